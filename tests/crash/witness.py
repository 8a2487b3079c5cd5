"""What is known of an order that is not as it must be: its messages, and what the processes logged of it."""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import asyncpg

_MESSAGES: Final = (
    "SELECT id, topic, attempts, failures, claimed_until, available_at, done_at, now() AS asked_at FROM outbox"
    " WHERE order_id = $1::uuid OR payload->>'order_id' = $1::text"
)
_LINES_AT_MOST: Final = 40
_LAST_LINES: Final = 3


async def tell(database_url: str, folder: Path, orders: Iterable[str]) -> Iterator[str]:
    """Lines for a person: of each order its messages and all that was logged of them; then how each log ends."""
    connection = await asyncpg.connect(database_url)
    try:
        messages = {order: await connection.fetch(_MESSAGES, order) for order in orders}
    finally:
        await connection.close()
    return _lines(folder, messages)


def _lines(folder: Path, messages: Mapping[str, Iterable[Mapping[str, Any]]]) -> Iterator[str]:
    logs = {path.stem: path.read_text(errors="replace").splitlines() for path in sorted(folder.glob("*.log"))}
    for order, rows in messages.items():
        yield f"Order {order}:"
        yield from (f"  {' '.join(f'{key}={value}' for key, value in row.items())}" for row in rows)
        ids = (order, *(str(row["id"]) for row in rows))
        about = [
            f"  {name}: {line}" for name, lines in logs.items() for line in lines if any(each in line for each in ids)
        ]
        yield from about[-_LINES_AT_MOST:]
    for name, lines in logs.items():
        yield f"{name}, {len(lines)} lines, at the end:"
        yield from (f"  {line}" for line in lines[-_LAST_LINES:])
