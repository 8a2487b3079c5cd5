"""CSV files (RFC 4180): rows, cells that spreadsheets do not compute, and the byte order mark that Excel needs."""

import codecs
import csv
import io
from collections.abc import AsyncIterator, Iterable, Sequence
from typing import Annotated, Final

from pydantic import Field

MEDIA_TYPE: Final = "text/csv; charset=utf-8; header=present"
BOM: Final = codecs.BOM_UTF8
Bom = Annotated[
    bool, Field(description="Begin the file with a byte order mark, without which Excel misreads non-ASCII letters")
]
# What a spreadsheet takes for the beginning of a formula, the wide forms of East Asian keyboards included.
_FORMULA: Final = tuple(
    "=+-@\t\r\n\N{FULLWIDTH EQUALS SIGN}\N{FULLWIDTH PLUS SIGN}\N{FULLWIDTH HYPHEN-MINUS}\N{FULLWIDTH COMMERCIAL AT}"
)


def to_csv(rows: Iterable[Sequence[object]]) -> bytes:
    """Returns the lines of some rows; None is an empty cell."""
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    return text.getvalue().encode()


def escape_formula(text: str) -> str:
    """Prefixes text that a spreadsheet would compute with an apostrophe."""
    return f"'{text}" if text.startswith(_FORMULA) or text.lstrip().startswith(_FORMULA) else text


async def with_bom(content: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """Yields the byte order mark, then the file."""
    yield BOM
    async for piece in content:
        yield piece
