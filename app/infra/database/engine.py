"""Engines of SQLite when embedded, and of PostgreSQL otherwise, with their timeouts."""

from typing import Any, Final

from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from app.infra.database.pool import Pool
from app.settings import Settings
from app.settings.state_folder import private_file
from app.text.folding import register

POOLED: Final = "binnacle_pooled"
_WRITES: Final = "binnacle_writes"
_SQLITE_BUSY_MILLISECONDS: Final = 5000


def create_engine(settings: Settings, *, limited: bool = True) -> AsyncEngine:
    """Creates an engine for the database of the settings. Without `limited`, statements may take any time."""
    if settings.database_server is None:
        return _sqlite(settings)
    from app.infra.database import postgresql  # noqa: PLC0415 -- 4 MB of driver that an embedded shop saves

    return postgresql.create_engine(settings, settings.database_server, limited=limited)


def for_writing(engine: AsyncEngine) -> AsyncEngine:
    """Returns the engine for transactions that write: on SQLite they take the write lock when they begin.

    A transaction that reads first would fail at its first write, without waiting, when another has written meanwhile.
    """
    return engine.execution_options(**{_WRITES: True})


def for_reading(engine: AsyncEngine) -> AsyncEngine:
    """Returns the engine for single statements.

    On PostgreSQL they run without a transaction: at READ COMMITTED it would give no snapshot, and cost two round trips.
    A pooler needs one, to keep a statement on the connection that prepared it.
    """
    whole = engine.dialect.name == "sqlite" or engine.sync_engine.get_execution_options().get(POOLED)
    return engine.execution_options(**({} if whole else {"isolation_level": "AUTOCOMMIT"}))


def _sqlite(settings: Settings) -> AsyncEngine:
    private_file(settings.database_file)
    engine = create_async_engine(settings.sqlite_dsn, hide_parameters=True, poolclass=Pool)

    @event.listens_for(engine.sync_engine, "connect")
    def _prepare(connection: Any, _record: Any) -> None:
        register(connection)
        connection.isolation_level = None  # no BEGIN by the driver: `_begin` below does it
        cursor = connection.cursor()
        for pragma in ("journal_mode=WAL", "foreign_keys=ON", f"busy_timeout={_SQLITE_BUSY_MILLISECONDS}"):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    @event.listens_for(engine.sync_engine, "begin")
    def _begin(connection: Any) -> None:
        writes = connection.get_execution_options().get(_WRITES, False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return engine
