"""Exports items as CSV, batch by batch."""

from collections.abc import AsyncIterator, Sequence
from typing import Final

from app.catalog.models import ItemRecord
from app.csv_files import escape_formula, to_csv
from app.money import to_major

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


async def as_csv(first: Sequence[ItemRecord], rest: AsyncIterator[Sequence[ItemRecord]]) -> AsyncIterator[bytes]:
    """Yields the header with the first batch, then the lines of each other batch."""
    yield to_csv([COLUMNS]) + to_csv(_cells(item) for item in first)
    async for batch in rest:
        yield to_csv(_cells(item) for item in batch)


def _cells(item: ItemRecord) -> Sequence[str]:
    return (
        str(item.id),
        str(item.owner_id),
        escape_formula(item.name),
        escape_formula(item.description),
        str(to_major(item.price_minor)),
        item.currency,
        str(item.stock),
        item.status,
        item.ends_at.isoformat() if item.ends_at is not None else "",
        item.created_at.isoformat(),
    )
