"""The sandbox's ledger: what was charged, once for each idempotency key, kept in a file over restarts."""

import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal
from uuid import uuid4

import aiosqlite

_TABLE = """
CREATE TABLE IF NOT EXISTS charges (
    idempotency_key TEXT PRIMARY KEY,
    id TEXT NOT NULL,
    reference TEXT NOT NULL,
    amount_minor INTEGER NOT NULL,
    currency TEXT NOT NULL,
    status TEXT NOT NULL
)
"""


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the ledger. Amounts are in minor units."""

    id: str
    idempotency_key: str
    reference: str
    amount_minor: int
    currency: str
    status: Literal["succeeded", "declined"]


class Ledger:
    """Charges, by idempotency key."""

    def __init__(self, connection: aiosqlite.Connection) -> None:
        self._connection = connection

    async def charge(self, key: str, reference: str, amount_minor: int, currency: str, decline_rate: float) -> Entry:
        """Writes the charge unless its key is known, and returns what stands under the key."""
        declined = random.random() < decline_rate  # noqa: S311 -- no secret
        await self._connection.execute(
            "INSERT OR IGNORE INTO charges VALUES (?, ?, ?, ?, ?, ?)",
            (key, f"ch_{uuid4().hex}", reference, amount_minor, currency, "declined" if declined else "succeeded"),
        )
        await self._connection.commit()
        return (await self._select("idempotency_key = ?", key))[0]

    async def by_reference(self, reference: str) -> list[Entry]:
        return await self._select("reference = ?", reference)

    async def all(self) -> list[Entry]:
        return await self._select("reference <> ?", "")

    async def _select(
        self, condition: Literal["idempotency_key = ?", "reference = ?", "reference <> ?"], value: str
    ) -> list[Entry]:
        query = f"SELECT id, idempotency_key, reference, amount_minor, currency, status FROM charges WHERE {condition}"  # noqa: S608 -- one of three constants # nosec B608
        rows: Any = await self._connection.execute_fetchall(query, (value,))
        return [Entry(*row) for row in rows]


@asynccontextmanager
async def open_ledger(path: Path) -> AsyncIterator[Ledger]:
    path.parent.mkdir(parents=True, exist_ok=True)
    async with aiosqlite.connect(path) as connection:
        await connection.execute("PRAGMA journal_mode=WAL")
        await connection.execute(_TABLE)
        await connection.commit()
        yield Ledger(connection)
