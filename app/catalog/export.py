"""Exports items as CSV, batch by batch."""

from collections.abc import AsyncIterator, Sequence
from typing import Final

from app.catalog.models import ItemRecord
from app.csv_output import escape_formula, to_csv
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


def _cells(item: ItemRecord) -> Sequence[object]:
    cells = item._asdict() | {
        "name": escape_formula(item.name),
        "description": escape_formula(item.description),
        "price": to_major(item.price_minor),
        "ends_at": item.ends_at and item.ends_at.isoformat(),
        "created_at": item.created_at.isoformat(),
    }
    return [cells[column] for column in COLUMNS]
