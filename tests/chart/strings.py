"""Where the chart's values may be any string, found in its schema, and values with a word in each of these places."""

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from subprocess import CompletedProcess
from typing import Any

import yaml

from .rendering import ROOT, refusal_of

Place = tuple[str, ...]
Template = Callable[[Mapping[str, Any]], CompletedProcess[str]]

WORDS = ("2026", "true", "1e3", "-", "a: b", "line\n")
SCHEMA = json.loads((ROOT / "helm/binnacle/values.schema.json").read_text())
EVERYTHING = yaml.safe_load((ROOT / "helm/binnacle/ci/everything-values.yaml").read_text())
AT = re.compile(r"^ *- at '/(\S+)'", re.MULTILINE)


def strings(schema: Mapping[str, Any], place: Place = ()) -> Iterator[Place]:
    """Place of each value that may be any string; `0` is an item of a list, `word` an entry of a mapping."""
    if "$ref" in schema:
        if schema["$ref"].rpartition("/")[2][0].isupper():
            return  # Kubernetes' own types: see test_lists.py
        schema = SCHEMA["definitions"][schema["$ref"].rpartition("/")[2]]
    if "string" in schema.get("type", []) and "enum" not in schema:
        yield place
    for key, inner in schema.get("properties", {}).items():
        if isinstance(inner, dict):
            yield from strings(inner, (*place, key))
    entry = "cpu" if place[-1:] in (("requests",), ("limits",)) else "word"
    if isinstance(schema.get("items"), dict):
        yield from strings(schema["items"], (*place, "0"))
    for inner in schema.get("patternProperties", {}).values():
        yield from strings(inner, (*place, entry))


# Of security, the profile takes a few words alone; objects are what the operator makes of them.
PLACES = [
    place for place in strings(SCHEMA) if not {"podSecurityContext", "securityContext", "extraObjects"} & {*place}
]
# What excludes another string of the same entry: an address of pods, and a Secret's name alone.
APART = [place for place in PLACES if {"cidr", "except"} & {*place} or place[-2:] == ("imagePullSecrets", "0")]
GROUPS = {"together": [place for place in PLACES if place not in APART], "apart": APART}


def values_with(places: Sequence[Place], word: str) -> dict[str, Any]:
    """Everything on, Secrets of one's own for the bundled stores, and a word in each place."""
    own = ("database", "redis", "postgresql", "valkey")
    tree = json.loads(json.dumps(EVERYTHING))
    for name in own:
        tree.setdefault(name, {})["existingSecret"] = name
    tree["networkPolicy"]["egress"]["sentry"] = [{"namespace": "errors"}]  # an address would exclude what is put there
    for place in places:
        put(tree, place, word)
    return dict(tree)


def put(node: Any, place: Place, word: str) -> None:
    key, *rest = place
    if isinstance(node, list):
        node[1:] = []
        node[:] = node or [None]
        inner: Any = node[0]
    else:
        inner = node.get(key)
    if not rest:
        inner = word
    else:
        inner = inner if isinstance(inner, dict | list) and inner else [] if rest[0] == "0" else {}
        put(inner, tuple(rest), word)
    node[0 if isinstance(node, list) else key] = inner


def taken(template: Template, group: str, word: str) -> dict[str, Any]:
    """Values with the word wherever the chart takes it. Raises AssertionError for a refusal that names no place."""
    done = template(values_with(GROUPS[group], word))
    if not done.returncode:
        return values_with(GROUPS[group], word)
    refused = {place for place in GROUPS[group] if "/".join(place) in AT.findall(refusal_of(done))}
    assert refused, done.stderr
    return values_with([place for place in GROUPS[group] if place not in refused], word)
