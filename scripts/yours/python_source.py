"""Renames in Python, where an identifier has no dashes."""

import io
import re
import tokenize
from collections.abc import Iterator
from typing import Final

from scripts.yours.names import OURS, Name

# A replacement field of an f-string, which is one token before Python 3.12.
_FIELD: Final = re.compile(r"(?<!\{)\{([^{}]*)\}")
_FORMATTED: Final = re.compile(r"[rR]?[fF][rR]?['\"]")


def renamed(source: str, name: Name) -> str:
    """Returns the source with identifiers in snake or camel case, and everything else as in other files."""
    return name.replace_in(_with_identifiers(source, name))


def _with_identifiers(source: str, name: Name) -> str:
    lines = source.splitlines(keepends=True)
    starts = [0]
    for line in lines:
        starts.append(starts[-1] + len(line))
    for (row, column), old, new in sorted(_changes(source, name), reverse=True):
        at = starts[row - 1] + column
        source = source[:at] + new + source[at + len(old) :]
    return source


def _changes(source: str, name: Name) -> Iterator[tuple[tuple[int, int], str, str]]:
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        old = token.string
        if OURS not in old.lower():
            continue
        if token.type == tokenize.NAME:
            yield token.start, old, _identifier(old, name)
        elif token.type == tokenize.STRING and _FORMATTED.match(old):
            new = _FIELD.sub(lambda field: "{" + _field(field[1], name) + "}", old)
            if new != old:
                yield token.start, old, new


def _field(expression: str, name: Name) -> str:
    return _with_identifiers(f"({expression})", name)[1:-1] if OURS in expression.lower() else expression


def _identifier(word: str, name: Name) -> str:
    for ours, theirs in ((OURS, name.snake), (OURS.upper(), name.snake.upper()), (OURS.capitalize(), name.camel)):
        word = word.replace(ours, theirs)
    return word
