"""Reads the commented values.yaml of a chart."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import yaml

KEY = re.compile(r"^(?P<indent> *)(?P<key>[A-Za-z][A-Za-z0-9]*):")
COMMENT = re.compile(r"^ *# ?(?P<text>.*)$")


@dataclass(frozen=True)
class Value:
    """One value that an operator can set: its dotted path, its default and what its comments say."""

    path: str
    default: Any
    description: str
    narrowed: Mapping[str, Any]


@dataclass
class Comment:
    """The comment lines gathered since the last key or empty line."""

    description: list[str] = field(default_factory=list)
    narrowed: dict[str, Any] = field(default_factory=dict)

    def add(self, text: str) -> None:
        if text.startswith("-- "):
            self.description = [text.removeprefix("-- ")]
        elif text.startswith("@schema "):
            self.narrowed = json.loads(text.removeprefix("@schema "))
        elif self.description:
            self.description.append(text)


def read(text: str) -> list[Value]:
    """The values of a values.yaml, in its order. Raises ValueError for a value without a `# --` line."""
    defaults = yaml.safe_load(text)
    values = [
        Value(path, look_up(defaults, path), " ".join(comment.description), comment.narrowed)
        for path, comment in _keys(text)
        if comment.description
    ]
    described = {value.path for value in values}
    for path in leaves(defaults):
        if not any(path == known or path.startswith(f"{known}.") for known in described):
            raise ValueError(f"values.yaml: {path} has no `# --` line above it; say what it does")
    return values


def leaves(tree: Mapping[str, Any], prefix: str = "") -> Iterator[str]:
    """Dotted paths of everything in a tree that isn't a mapping with something in it."""
    for key, value in tree.items():
        if isinstance(value, dict) and value:
            yield from leaves(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}"


def look_up(tree: Mapping[str, Any], path: str) -> Any:
    """What a dotted path names in a tree."""
    found: Any = tree
    for key in path.split("."):
        found = found[key]
    return found


def _keys(text: str) -> Iterator[tuple[str, Comment]]:
    parents: list[tuple[int, str]] = []
    comment = Comment()
    for line in text.splitlines():
        if key := KEY.match(line):
            indent = len(key["indent"])
            parents = [(depth, name) for depth, name in parents if depth < indent]
            parents.append((indent, key["key"]))
            yield ".".join(name for _, name in parents), comment
            comment = Comment()
        elif remark := COMMENT.match(line):
            comment.add(remark["text"])
        else:
            comment = Comment()
