"""The catalogue as CSV (RFC 4180), a batch at a time, however long it is."""

import csv
import io
from collections.abc import AsyncIterator, Iterable, Sequence
from typing import Final

from app.catalog.models import ItemRecord
from app.money import to_major

MEDIA_TYPE: Final = "text/csv; charset=utf-8; header=present"
COLUMNS: Final = (
    "id",
    "owner_id",
    "name",
    "description",
    "price",
    "currency",
    "stock",
    "status",
    "ends_at",
    "created_at",
)
# What a spreadsheet takes for the beginning of a formula, the wide forms of East Asian keyboards included.
_FORMULA: Final = ("=", "+", "-", "@", "\N{FULLWIDTH EQUALS SIGN}", "\N{FULLWIDTH PLUS SIGN}")
_WIDE: Final = ("\N{FULLWIDTH HYPHEN-MINUS}", "\N{FULLWIDTH COMMERCIAL AT}", "\t", "\r", "\n")


async def as_csv(first: Sequence[ItemRecord], rest: AsyncIterator[Sequence[ItemRecord]]) -> AsyncIterator[bytes]:
    """A header, then the lines of each batch."""
    yield _lines([COLUMNS]) + _lines(_cells(item) for item in first)
    async for batch in rest:
        yield _lines(_cells(item) for item in batch)


def harmless(text: str) -> str:
    """The text as a spreadsheet shows it rather than computes it: an apostrophe goes before a formula."""
    return f"'{text}" if text.startswith(_FORMULA + _WIDE) or text.lstrip().startswith(_FORMULA + _WIDE) else text


def _cells(item: ItemRecord) -> Sequence[str]:
    return (
        str(item.id),
        str(item.owner_id),
        harmless(item.name),
        harmless(item.description),
        str(to_major(item.price_minor)),
        item.currency,
        str(item.stock),
        item.status,
        item.ends_at.isoformat() if item.ends_at is not None else "",
        item.created_at.isoformat(),
    )


def _lines(rows: Iterable[Sequence[str]]) -> bytes:
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    return text.getvalue().encode()
