"""Describes SQL statements for spans: operation, table, and text without values."""

import re
from functools import lru_cache
from typing import Final, NamedTuple

CACHE_SIZE: Final = 500
MAX_TEXT_LENGTH: Final = 2000
# A string, or a number outside of names and of placeholders such as $1.
_LITERAL: Final = re.compile(r"'(?:[^']|'')*'|(?<![\w$:.\"])\d+(?:\.\d+)?\b")
_SPACE: Final = re.compile(r"\s+")
_INNERMOST: Final = re.compile(r"\([^()]*\)")
_OPERATION: Final = re.compile(r"\b(SELECT|INSERT|UPDATE|DELETE)\b", re.IGNORECASE)
_WORD: Final = re.compile(r"\w+")
_TABLE: Final = re.compile(r"\b(?:FROM|INTO|UPDATE)\s+\"?([A-Za-z_]\w*)", re.IGNORECASE)


class Statement(NamedTuple):
    """Description of a statement. `summary` is the name of its span, such as `SELECT items`."""

    summary: str
    operation: str
    table: str
    text: str


@lru_cache(CACHE_SIZE)  # bounded: lists of values make many different statements
def describe(sql: str) -> Statement:
    """Describes the outermost statement, without its `WITH` and subqueries."""
    text = _SPACE.sub(" ", _LITERAL.sub("?", sql)).strip()
    outermost, before = text, ""
    while outermost != before:
        outermost, before = _INNERMOST.sub("", outermost), outermost
    word = _OPERATION.search(outermost) or _WORD.search(outermost)
    operation = word.group().upper() if word else "UNKNOWN"
    named = None
    if _OPERATION.fullmatch(operation):
        named = _TABLE.search(outermost) or _TABLE.search(text)
    table = named.group(1) if named else ""
    return Statement(f"{operation} {table}".rstrip(), operation, table, text[:MAX_TEXT_LENGTH])
