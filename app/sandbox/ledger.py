"""Ledger of the sandbox: a SQLite file that survives restarts and SIGKILL.

All work runs in one thread, each in its own transaction. A transaction is on disk before the response is sent, so what
a caller has received is never lost.
"""

import asyncio
import sqlite3
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Final, TypeVar

from fastapi import Depends, Request

BATCH: Final = 500
T = TypeVar("T")

_SCHEMA: Final = """
PRAGMA journal_mode=WAL;
PRAGMA synchronous=FULL;
CREATE TABLE IF NOT EXISTS charges (
    idempotency_key TEXT PRIMARY KEY,
    id TEXT NOT NULL,
    reference TEXT NOT NULL,
    amount_minor INTEGER NOT NULL,
    currency TEXT NOT NULL,
    status TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS charges_reference ON charges (reference);
CREATE UNIQUE INDEX IF NOT EXISTS charges_id ON charges (id);
CREATE TABLE IF NOT EXISTS refunds (
    idempotency_key TEXT PRIMARY KEY,
    id TEXT NOT NULL,
    charge TEXT NOT NULL,
    reference TEXT NOT NULL,
    amount_minor INTEGER NOT NULL,
    currency TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS refunds_charge ON refunds (charge);
CREATE INDEX IF NOT EXISTS refunds_reference ON refunds (reference);
CREATE TABLE IF NOT EXISTS letters (
    number INTEGER PRIMARY KEY,
    idempotency_key TEXT NOT NULL UNIQUE,
    id TEXT NOT NULL,
    sender TEXT,
    recipient TEXT NOT NULL,
    subject TEXT NOT NULL,
    text TEXT NOT NULL,
    received_at TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS letters_recipient ON letters (recipient);
"""


@dataclass(eq=False)
class Refusal(Exception):  # noqa: N818 -- a response, not an error of the sandbox
    """Error response to a request; repeating the request returns it again."""

    status: int
    code: str
    detail: str


class Ledger:
    """SQLite file with charges, refunds and mails. Amounts are in minor units."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._thread = ThreadPoolExecutor(1, "ledger")
        self._connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        self._connection.row_factory = sqlite3.Row
        self._connection.executescript(_SCHEMA)

    async def run(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Runs `work` in a transaction, and returns its result once it is on disk. An error rolls it back."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._transact, work)

    def close(self) -> None:
        self._thread.shutdown()
        self._connection.close()

    def read(self, query: str) -> Iterator[str]:
        """Yields the lines of a snapshot, a row each, in batches: in constant memory and without blocking writers."""
        with closing(sqlite3.connect(self._path, check_same_thread=False)) as connection:
            connection.execute("PRAGMA query_only=ON")
            cursor = connection.execute(query)
            while rows := cursor.fetchmany(BATCH):
                yield "".join(f"{line}\n" for [line] in rows)

    def _transact(self, work: Callable[[sqlite3.Connection], T]) -> T:
        self._connection.execute("BEGIN IMMEDIATE")
        with self._connection as connection:
            return work(connection)


def select(connection: sqlite3.Connection, table: str, **columns: str | None) -> list[sqlite3.Row]:
    """Returns the rows of a table whose columns have these values, oldest first. None stands for any value."""
    given = {name: value for name, value in columns.items() if value is not None}
    condition = " AND ".join(f"{name} = :{name}" for name in given) or "TRUE"
    query = f"SELECT * FROM {table} WHERE {condition} ORDER BY rowid"  # noqa: S608 -- names are from the source
    return connection.execute(query, given).fetchall()


async def _ledger(request: Request) -> Ledger:
    ledger: Ledger = request.app.state.ledger
    return ledger


OpenLedger = Annotated[Ledger, Depends(_ledger)]
