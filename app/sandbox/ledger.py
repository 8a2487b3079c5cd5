"""Ledger of the sandbox: a SQLite file that survives restarts and SIGKILL.

All work runs in one thread, each in its own transaction. A transaction is on disk before the response is sent, so what
a caller has received is never lost.
"""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import Final, TypeVar

BATCH: Final = 500
T = TypeVar("T")

_TABLES: Final = (
    """
    CREATE TABLE IF NOT EXISTS charges (
        idempotency_key TEXT PRIMARY KEY,
        id TEXT NOT NULL,
        reference TEXT NOT NULL,
        amount_minor INTEGER NOT NULL,
        currency TEXT NOT NULL,
        status TEXT NOT NULL
    )
    """,
    "CREATE INDEX IF NOT EXISTS charges_reference ON charges (reference)",
    "CREATE UNIQUE INDEX IF NOT EXISTS charges_id ON charges (id)",
    """
    CREATE TABLE IF NOT EXISTS refunds (
        idempotency_key TEXT PRIMARY KEY,
        id TEXT NOT NULL,
        charge TEXT NOT NULL,
        reference TEXT NOT NULL,
        amount_minor INTEGER NOT NULL,
        currency TEXT NOT NULL
    )
    """,
    "CREATE INDEX IF NOT EXISTS refunds_charge ON refunds (charge)",
    "CREATE INDEX IF NOT EXISTS refunds_reference ON refunds (reference)",
    """
    CREATE TABLE IF NOT EXISTS letters (
        number INTEGER PRIMARY KEY,
        idempotency_key TEXT NOT NULL UNIQUE,
        id TEXT NOT NULL,
        sender TEXT,
        recipient TEXT NOT NULL,
        subject TEXT NOT NULL,
        text TEXT NOT NULL,
        received_at TEXT NOT NULL
    )
    """,
    "CREATE INDEX IF NOT EXISTS letters_recipient ON letters (recipient)",
)


class Refusal(Exception):  # noqa: N818 -- a response, not an error of the sandbox
    """Error response to a request; repeating the request returns it again."""

    def __init__(self, status: int, code: str, detail: str) -> None:
        super().__init__(detail)
        self.status = status
        self.code = code
        self.detail = detail


class Ledger:
    """SQLite file with charges, refunds and mails. Amounts are in minor units."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._thread = ThreadPoolExecutor(1, "ledger")
        self._connection: sqlite3.Connection | None = None

    async def run(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Runs `work` in a transaction, and returns its result once it is on disk. An error rolls it back."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._transact, work)

    async def close(self) -> None:
        await asyncio.get_running_loop().run_in_executor(self._thread, self._close)
        self._thread.shutdown()

    def read(self, query: str) -> Iterator[list[tuple[object, ...]]]:
        """Yields the rows of a snapshot in batches, in constant memory and without blocking writers."""
        with closing(sqlite3.connect(self._path, check_same_thread=False)) as connection:
            connection.execute("PRAGMA query_only=ON")
            cursor = connection.execute(query)
            while rows := cursor.fetchmany(BATCH):
                yield rows

    def _transact(self, work: Callable[[sqlite3.Connection], T]) -> T:
        connection = self._connection = self._connection or self._open()
        connection.execute("BEGIN IMMEDIATE")
        with connection:
            return work(connection)

    def _open(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self._path, isolation_level=None)
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")
        for statement in _TABLES:
            connection.execute(statement)
        return connection

    def _close(self) -> None:
        if self._connection is not None:
            self._connection.close()


@asynccontextmanager
async def open_ledger(path: Path) -> AsyncIterator[Ledger]:
    ledger = Ledger(path)
    try:
        await ledger.run(lambda _connection: None)  # opens the file, so that an error is raised at startup
        yield ledger
    finally:
        await ledger.close()
