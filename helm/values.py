"""Reads the commented values.yaml of a chart."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import yaml

KEY = re.compile(r"^(?P<indent> *)(?P<key>[A-Za-z][A-Za-z0-9]*):")
COMMENT = re.compile(r"^ *# ?(?P<text>.*)$")
UNSET = re.compile(r"^(?P<indent> *)# (?P<key>[a-z][A-Za-z0-9]*): (?P<default>.+)$")


@dataclass(frozen=True)
class Value:
    """One value of a chart: its dotted path, default, description and schema."""

    path: str
    default: Any
    description: str
    narrowed: Mapping[str, Any]
    given: bool = True
    """Tests whether values.yaml sets it; otherwise the default of the service applies, shown in a comment."""


@dataclass
class Comment:
    """Comment lines since the last key or empty line."""

    description: list[str] = field(default_factory=list)
    narrowed: dict[str, Any] = field(default_factory=dict)

    def add(self, text: str) -> None:
        if text.startswith("-- "):
            self.description = [text.removeprefix("-- ")]
        elif text.startswith("@schema "):
            self.narrowed = json.loads(text.removeprefix("@schema "))
        elif self.description:
            self.description.append(text)


def read(text: str, unset: str = "") -> list[Value]:
    """Returns the values of a values.yaml in order, with the commented-out keys of its part `unset`.

    A key of a component with the name of a described top-level key takes its description and schema.
    Raises ValueError for any other value without a `# --` line.
    """
    defaults = yaml.safe_load(text)
    values: list[Value] = []
    shared: dict[str, Value] = {}
    for path, comment, given, shown in _keys(text, unset):
        component, _, key = path.partition(".")
        if comment.description:
            default = look_up(defaults, path) if given else shown
            values.append(Value(path, default, " ".join(comment.description), comment.narrowed, given))
            shared.update({path: values[-1]} if not key else {})
        elif key in shared:
            about = f"Same as `{key}`, for {component} only"
            values.append(Value(path, look_up(defaults, path), about, shared[key].narrowed))
    described = {value.path for value in values}
    for path in leaves(defaults):
        if not any(path == known or path.startswith(f"{known}.") for known in described):
            raise ValueError(f"values.yaml: {path} has no `# --` line above it; say what it does")
    return values


def leaves(tree: Mapping[str, Any], prefix: str = "") -> Iterator[str]:
    """Yields the dotted paths of all values that aren't non-empty mappings."""
    for key, value in tree.items():
        if isinstance(value, dict) and value:
            yield from leaves(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}"


def look_up(tree: Mapping[str, Any], path: str) -> Any:
    """Returns the value at a dotted path."""
    found: Any = tree
    for key in path.split("."):
        found = found[key]
    return found


def _keys(text: str, unset: str) -> Iterator[tuple[str, Comment, bool, Any]]:
    """Yields the path and comment of each key, whether it is set, and if not, the default in the comment."""
    parents: list[tuple[int, str]] = []
    comment = Comment()
    commented_out = set(unset.splitlines())
    for line in text.splitlines():
        hidden = UNSET.match(line) if line in commented_out and comment.description else None
        if key := KEY.match(line) or hidden:
            indent = len(key["indent"])
            parents = [(depth, name) for depth, name in parents if depth < indent]
            parents.append((indent, key["key"]))
            shown = yaml.safe_load(hidden["default"]) if hidden else None
            yield ".".join(name for _, name in parents), comment, hidden is None, shown
            comment = Comment()
        elif remark := COMMENT.match(line):
            comment.add(remark["text"])
        else:
            comment = Comment()
