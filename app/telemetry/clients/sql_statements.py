"""What a span tells of a statement: what it does to which table, and its text without a value in it."""

import re
from typing import Final, NamedTuple

KEPT: Final = 500
LONGEST: Final = 2000
# A string, or a number that is no part of a name or of a placeholder such as $1.
_LITERAL: Final = re.compile(r"'(?:[^']|'')*'|(?<![\w$:.\"])\d+(?:\.\d+)?\b")
_SPACE: Final = re.compile(r"\s+")
_INNERMOST: Final = re.compile(r"\([^()]*\)")
_OPERATION: Final = re.compile(r"\b(SELECT|INSERT|UPDATE|DELETE)\b", re.IGNORECASE)
_WORD: Final = re.compile(r"\w+")
_TABLE: Final = re.compile(r"\b(?:FROM|INTO|UPDATE)\s+\"?([A-Za-z_]\w*)", re.IGNORECASE)


class Statement(NamedTuple):
    """`summary` is the span's name, such as `SELECT items`: as many as there are tables, not as there are requests."""

    summary: str
    operation: str
    table: str
    text: str


class Statements:
    """Remembers those that were seen, since few are new; lists of values make so many that not all are kept."""

    def __init__(self) -> None:
        self._seen: dict[str, Statement] = {}

    def __getitem__(self, sql: str) -> Statement:
        known = self._seen.get(sql)
        if known is None:
            if len(self._seen) >= KEPT:
                self._seen.clear()
            known = self._seen[sql] = describe(sql)
        return known


def describe(sql: str) -> Statement:
    """Looks at the outermost statement, so that `WITH` and subqueries are told by what they are for."""
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
    return Statement(f"{operation} {table}".rstrip(), operation, table, text[:LONGEST])
