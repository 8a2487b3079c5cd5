"""The database: separate types of sessions for reads and writes, and one class of errors for outages."""

from collections.abc import AsyncIterator
from contextlib import AbstractContextManager, asynccontextmanager, nullcontext

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from app.errors import DomainError
from app.infra.database.engine import create_engine, for_reading, for_writing
from app.infra.database.instrumented_pool import measure
from app.infra.database.outages import ReadOnlyError, outages_named
from app.infra.database.pool import Pool
from app.infra.database.sessions import ReadSession, Rows, WriteSession
from app.settings import Settings
from app.telemetry.clients.database import about, record_statements
from app.telemetry.telemetry import Telemetry
from app.telemetry.traces.tracing import Tracing


class _Engines:
    """Engines on one pool; work that is not sampled uses those without tracing listeners."""

    def __init__(self, engine: AsyncEngine, tracing: Tracing | None = None) -> None:
        self.reader, self.writer = for_reading(engine), for_writing(engine)
        if tracing is not None:
            for recorded in (self.reader, self.writer):
                record_statements(recorded.sync_engine, tracing)


class Database:
    """A pool of connections and its sessions. `tracing` records spans of statements in sampled work."""

    def __init__(self, engine: AsyncEngine, tracing: Tracing | None = None) -> None:
        self.engine = engine
        self._tracing = tracing if tracing is not None and tracing.provider is not None else None
        self._plain = _Engines(engine)
        self._recorded = self._plain if self._tracing is None else _Engines(engine, self._tracing)
        self._about = about(engine.url)

    @asynccontextmanager
    async def read(self) -> AsyncIterator[ReadSession]:
        """Opens a session for reads. Raises OutageError, an UnavailableError, when the database can't be reached."""
        with outages_named():
            async with ReadSession(self._engines().reader, expire_on_commit=False) as session:
                yield session

    @asynccontextmanager
    async def rows(self) -> AsyncIterator[Rows]:
        """Reads rows instead of entities, at a third of the cost of `read`."""
        with outages_named():
            yield Rows(self._engines().reader)

    @asynccontextmanager
    async def write(self) -> AsyncIterator[WriteSession]:
        """Opens a session that commits at the end. Raises OutageError when the database can't be reached."""
        with self._transaction(), outages_named():
            async with WriteSession(self._engines().writer, expire_on_commit=False) as session, session.begin():
                yield session
        for callback in session.when_committed:
            await callback()

    async def require_writes(self) -> None:
        """Raises ReadOnlyError when the server is read-only; the next connections then try other hosts."""
        if self.engine.dialect.name == "sqlite":
            return
        async with self.rows() as rows:
            read_only: str = (await rows.execute(text("SHOW transaction_read_only"))).scalar_one()
        if read_only == "on":
            await self.engine.dispose()
            raise ReadOnlyError

    def sample_pool(self) -> None:
        """Sets the gauges of the pool to the connections that it has now."""
        pool = self.engine.sync_engine.pool  # read each time: an engine that is disposed of gets another pool
        if isinstance(pool, Pool):
            pool.look()

    def _engines(self) -> _Engines:
        return self._recorded if self._tracing is not None and self._tracing.recording() else self._plain

    def _transaction(self) -> AbstractContextManager[object]:
        """Returns a span from the first statement to the end of the commit, for which SQLAlchemy has no event."""
        if self._tracing is None:
            return nullcontext()
        return self._tracing.span("transaction", attributes=self._about, expected=(DomainError,))


@asynccontextmanager
async def open_database(settings: Settings, telemetry: Telemetry | None = None) -> AsyncIterator[Database]:
    """Opens the pool of this process, which connects at its first use. Without `telemetry` nothing is measured."""
    engine = create_engine(settings)
    database = Database(engine, telemetry.tracing if telemetry is not None else None)
    if telemetry is not None:
        measure(engine, telemetry)
    try:
        yield database
    finally:
        pool = engine.sync_engine.pool
        if isinstance(pool, Pool) and pool.gate is not None:
            await pool.gate.stop()
        await engine.dispose()
