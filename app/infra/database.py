"""The database: SQLite when embedded, PostgreSQL otherwise; read and write sessions are different types."""

import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AbstractContextManager, asynccontextmanager, contextmanager, nullcontext
from typing import TYPE_CHECKING, Any, Final, Protocol

from sqlalchemy import Executable, Result, event
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker, create_async_engine

from app.errors import DomainError, UnavailableError
from app.infra.measured import MeasuredPool
from app.infra.rows import Rows
from app.settings.state import private_file
from app.telemetry.clients.database import about, record_statements

if TYPE_CHECKING:
    from app.settings import Settings
    from app.telemetry.traces.tracing import Tracing

_WRITES: Final = "binnacle_writes"
_SQLITE_BUSY_MILLISECONDS: Final = 5000
_SQLITE_PRIMARY_CODE: Final = 0xFF  # of the extended one, https://www.sqlite.org/rescode.html
_SQLITE_OUTAGES: Final = frozenset(
    {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_FULL, sqlite3.SQLITE_CANTOPEN}
)
# SQLSTATE: connection, conflict or deadlock, resources, operator or statement_timeout, lock_timeout.
_PASSING_STATES: Final = ("08", "40", "53", "57", "55P03")


class Reads(Protocol):
    """What sessions and connections have in common: they run a statement and give its rows."""

    async def execute(self, statement: Executable, params: Any = None, /) -> Result[*tuple[Any, ...]]: ...


class ReadSession(AsyncSession):
    """Reads what is committed, each statement by itself.

    On PostgreSQL no transaction is opened: at READ COMMITTED it would give no snapshot either, and two round trips
    more.
    """


class WriteSession(ReadSession):
    """Reads and writes one transaction, committed when its block ends without an error."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.when_committed: list[Callable[[], Awaitable[None]]] = []

    def after_commit(self, callback: Callable[[], Awaitable[None]]) -> None:
        """Has `callback` awaited once this transaction stands, before its block is left; never if it does not."""
        self.when_committed.append(callback)


class _Doors:
    """The ways into one pool. Who is not recorded takes those without a listener, and pays for none."""

    def __init__(self, engine: AsyncEngine, tracing: "Tracing | None" = None) -> None:
        reads = {} if engine.dialect.name == "sqlite" else {"isolation_level": "AUTOCOMMIT"}
        self.reader = engine.execution_options(**reads)
        writer = for_writing(engine)
        if tracing is not None:
            for recorded in (self.reader, writer):
                record_statements(recorded.sync_engine, tracing)
        self.reading = async_sessionmaker(self.reader, class_=ReadSession, expire_on_commit=False)
        self.writing = async_sessionmaker(writer, class_=WriteSession, expire_on_commit=False)


class Database:
    """A pool of connections and the sessions on it. `tracing` makes spans of what recorded work asks."""

    def __init__(self, engine: AsyncEngine, tracing: "Tracing | None" = None) -> None:
        self.engine = engine
        self._tracing = tracing if tracing is not None and tracing.provider is not None else None
        self._plain = _Doors(engine)
        self._recorded = self._plain if self._tracing is None else _Doors(engine, self._tracing)
        self._about = about(engine.url)

    @asynccontextmanager
    async def read(self) -> AsyncIterator[ReadSession]:
        """Raises UnavailableError when the database can't be reached."""
        with _outages_named():
            async with self._doors().reading() as session:
                yield session

    @asynccontextmanager
    async def rows(self) -> AsyncIterator[Rows]:
        """As `read`, for statements on tables rather than entities, at a third of the price."""
        with _outages_named():
            yield Rows(self._doors().reader)

    @asynccontextmanager
    async def write(self) -> AsyncIterator[WriteSession]:
        """Commits at the end. Raises UnavailableError when the database can't be reached."""
        with self._transaction(), _outages_named():
            async with self._doors().writing() as session, session.begin():
                yield session
        for callback in session.when_committed:
            await callback()

    def _doors(self) -> _Doors:
        return self._recorded if self._tracing is not None and self._tracing.recording() else self._plain

    def _transaction(self) -> AbstractContextManager[object]:
        """A span from the first statement to the end of the commit, for which there is no event."""
        if self._tracing is None:
            return nullcontext()
        return self._tracing.span("transaction", attributes=self._about, expected=(DomainError,))


@asynccontextmanager
async def open_database(settings: "Settings", tracing: "Tracing | None" = None) -> AsyncIterator[Database]:
    """The pool of this process; connects at the first use."""
    engine = create_engine(settings)
    try:
        yield Database(engine, tracing)
    finally:
        await engine.dispose()


def create_engine(settings: "Settings") -> AsyncEngine:
    """An engine for the database of the settings, with each of its timeouts set."""
    if settings.database_dsn.startswith("sqlite"):
        return _sqlite(settings)
    return create_async_engine(
        settings.database_dsn,
        hide_parameters=True,  # an error's text goes to logs and reports; what people typed does not
        poolclass=MeasuredPool,
        pool_size=settings.database_pool_size,
        max_overflow=settings.database_max_overflow,
        pool_timeout=settings.database_pool_timeout_seconds,
        pool_use_lifo=True,
        connect_args={
            "timeout": settings.database_connect_timeout_seconds,
            # One above the server's own limit, so that the server's clearer error comes first.
            "command_timeout": settings.database_statement_timeout_seconds + 1,
            "server_settings": {
                "application_name": settings.service_name or "binnacle",
                "statement_timeout": f"{settings.database_statement_timeout_seconds * 1000:.0f}",
                "lock_timeout": f"{settings.database_statement_timeout_seconds * 1000:.0f}",
                "idle_in_transaction_session_timeout": "15000",
            },
        },
    )


def for_writing(engine: AsyncEngine) -> AsyncEngine:
    """Returns the engine for transactions that write: on SQLite they take the write lock when they begin.

    One that reads first fails at its first write, without waiting, when another has written since.
    """
    return engine.execution_options(**{_WRITES: True})


def _sqlite(settings: "Settings") -> AsyncEngine:
    private_file(settings.database_file)
    engine = create_async_engine(settings.database_dsn, hide_parameters=True, poolclass=MeasuredPool)

    @event.listens_for(engine.sync_engine, "connect")
    def _prepare(connection: Any, _record: Any) -> None:
        connection.isolation_level = None  # SQLAlchemy's BEGIN below, not the driver's
        cursor = connection.cursor()
        for pragma in ("journal_mode=WAL", "foreign_keys=ON", f"busy_timeout={_SQLITE_BUSY_MILLISECONDS}"):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    @event.listens_for(engine.sync_engine, "begin")
    def _begin(connection: Any) -> None:
        writes = connection.get_execution_options().get(_WRITES, False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return engine


@contextmanager
def _outages_named() -> Iterator[None]:
    """Turns the many errors of an absent database into one; all others pass."""
    try:
        yield
    except Exception as error:
        if is_outage(error):
            raise UnavailableError("The database does not answer; try again in a few seconds.") from error
        raise


def is_outage(error: BaseException) -> bool:
    """Whether an error means that the database is absent, overloaded or restarting."""
    if isinstance(error, DBAPIError):
        if isinstance(error.orig, sqlite3.Error):
            return getattr(error.orig, "sqlite_errorcode", 0) & _SQLITE_PRIMARY_CODE in _SQLITE_OUTAGES
        passing = str(getattr(error.orig, "sqlstate", None)).startswith(_PASSING_STATES)
        return passing or error.connection_invalidated or isinstance(error, (OperationalError, InterfaceError))
    return isinstance(error, (PoolTimeoutError, OSError)) or type(error).__module__.startswith("asyncpg")
