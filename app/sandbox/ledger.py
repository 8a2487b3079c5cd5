"""The sandbox's ledger: one SQLite file that outlives restarts and SIGKILL.

Work on it goes through one thread, a transaction each, and a transaction is on disk before its answer is given: what a
caller was told of is never lost.
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


class Refusal(Exception):  # noqa: N818 -- an answer, not an error of ours
    """A final answer that is not what the caller wanted; the same request gets it again."""

    def __init__(self, status: int, code: str, detail: str) -> None:
        super().__init__(detail)
        self.status = status
        self.code = code
        self.detail = detail


class Ledger:
    """The file. Amounts in it are in minor units."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._thread = ThreadPoolExecutor(1, "ledger")
        self._connection: sqlite3.Connection | None = None

    async def run(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Returns what `work` returns, once all that it wrote is on disk. An error undoes it."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._transact, work)

    async def close(self) -> None:
        await asyncio.get_running_loop().run_in_executor(self._thread, self._close)
        self._thread.shutdown()

    def read(self, query: str) -> Iterator[list[tuple[object, ...]]]:
        """Yields the rows of a query in batches, as of one moment, in constant memory, without blocking writers."""
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
        await ledger.run(lambda _connection: None)  # a file that can't be had is known at the start
        yield ledger
    finally:
        await ledger.close()
