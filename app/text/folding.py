"""Defines once when two spellings are equal: in Python, on SQLite and on PostgreSQL.

Case is folded as Unicode defines (`Straße` equals `STRASSE`), and accents count in any encoding. SQLite knows the case
of ASCII alone, and PostgreSQL lowers instead of folding; its database needs an LC_CTYPE of UTF-8, such as `C.UTF-8` or
`en_US.UTF-8`.
"""

from typing import Any, Final
from unicodedata import normalize

from sqlalchemy import ColumnElement, String, func
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

ESCAPE: Final = "/"
SQLITE_FUNCTION: Final = "fold"


def fold(text: str) -> str:
    """Returns the key of a text, in NFC: equal spellings have equal keys."""
    return normalize("NFC", normalize("NFC", text).casefold())


def containing(text: str) -> str:
    """Returns the pattern of keys that contain a text, for LIKE with ESCAPE: `%` and `_` stand for themselves."""
    pattern = fold(text)
    for special in (ESCAPE, "%", "_"):
        pattern = pattern.replace(special, ESCAPE + special)
    return f"%{pattern}%"


class folded(FunctionElement[str]):  # noqa: N801 -- a function of SQL
    """Folds a column, where its key is not stored."""

    name = "folded"
    type = String()
    inherit_cache = True


def register(connection: Any) -> None:
    """Gives a connection to SQLite the function that `folded` calls there."""
    connection.create_function(SQLITE_FUNCTION, 1, lambda value: value and fold(value), deterministic=True)


@compiles(folded, "sqlite")
def _sqlite(element: folded, compiler: SQLCompiler, **options: Any) -> str:
    return f"{SQLITE_FUNCTION}({compiler.process(element.clauses, **options)})"


@compiles(folded)
def _postgresql(element: folded, compiler: SQLCompiler, **options: Any) -> str:
    [column] = element.clauses
    lowered: ColumnElement[str] = func.lower(func.normalize(column))
    lowered = func.translate(lowered, "\N{GREEK SMALL LETTER FINAL SIGMA}", "\N{GREEK SMALL LETTER SIGMA}")
    return compiler.process(func.replace(lowered, "ß", "ss"), **options)
