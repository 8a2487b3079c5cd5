"""Metrics of the database: statements, connections, and waits for a connection."""

import sqlite3
import time
from typing import Any, Final

from sqlalchemy import event
from sqlalchemy.engine import Dialect, ExceptionContext, ExecutionContext
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlalchemy.pool import ConnectionPoolEntry

from app.infra.database.outages import SQLITE_PRIMARY_CODE, ConnectError, sqlstate
from app.infra.database.pool import Pool
from app.telemetry.metrics import ConnectionMetrics
from app.telemetry.metrics.dependencies import STORE_OUTCOMES, StoreCalls
from app.telemetry.telemetry import Telemetry

TARGET: Final = "database"
OPERATIONS: Final = ("connect", "select", "insert", "update", "delete", "commit", "other")
_CONFLICTS: Final = ("40", "55P03")  # SQLSTATE: conflict or deadlock, lock_timeout
_STATEMENT_TIMEOUT: Final = "57014"
_SQLITE_CONFLICTS: Final = frozenset({sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED})


def measure(engine: AsyncEngine, telemetry: Telemetry) -> None:
    """Measures an engine whose pool is a Pool, at a cost of about two microseconds a statement."""
    dependencies = telemetry.dependencies
    dependencies.declare_calls(TARGET, OPERATIONS, STORE_OUTCOMES)
    calls = {operation: StoreCalls(dependencies, TARGET, operation) for operation in OPERATIONS}
    verbs = {operation.upper(): calls[operation] for operation in ("select", "insert", "update", "delete")}
    other, target = calls["other"], engine.sync_engine
    pool = target.pool
    if not isinstance(pool, Pool):
        raise TypeError("the engine needs poolclass=Pool")
    pool.metrics = telemetry.metrics(ConnectionMetrics)

    @event.listens_for(target, "do_connect")
    def _connect(dialect: Dialect, _record: ConnectionPoolEntry, arguments: Any, options: Any) -> Any:
        started = time.perf_counter()
        try:
            connection = dialect.connect(*arguments, **options)
        except Exception as error:
            calls["connect"].ended(started, outcome(error, disconnects=True))
            raise
        calls["connect"].ended(started)
        return connection

    @event.listens_for(target, "before_cursor_execute")
    def _begin(_c: Any, _cursor: Any, _statement: Any, _parameters: Any, context: Any, _many: Any) -> None:
        context.began = time.perf_counter()

    @event.listens_for(target, "after_cursor_execute")
    def _end(_c: Any, _cursor: Any, statement: str, _parameters: Any, context: Any, _many: Any) -> None:
        verbs.get(statement[:6], other).ended(context.began)

    @event.listens_for(target, "handle_error")
    def _fail(failure: ExceptionContext) -> None:
        context: ExecutionContext | Any = failure.execution_context
        error = failure.sqlalchemy_exception or failure.original_exception
        if hasattr(context, "began") and isinstance(error, Exception):
            how = outcome(error, disconnects=failure.is_disconnect)
            verbs.get((failure.statement or "")[:6], other).ended(context.began, how)

    _measure_commits(target.dialect, calls["commit"])


def _measure_commits(dialect: Dialect, calls: StoreCalls) -> None:
    """Wraps the dialect's commit, which waits for the disk: SQLAlchemy has no event for its end."""
    commit = dialect.do_commit

    def timed_commit(connection: Any) -> None:
        started = time.perf_counter()
        try:
            commit(connection)
        except dialect.loaded_dbapi.Error as error:
            calls.ended(started, outcome(error, disconnects=dialect.is_disconnect(error, connection, None)))
            raise
        calls.ended(started)

    dialect.do_commit = timed_commit  # type: ignore[assignment, method-assign]


def outcome(error: Exception, *, disconnects: bool) -> str:
    """Returns which of STORE_OUTCOMES an error is. A violated constraint is an answer, and counts as `ok`."""
    cause = getattr(error, "orig", None) or (error.__cause__ if isinstance(error, ConnectError) else error)
    state = sqlstate(cause)
    if isinstance(error, IntegrityError):
        return "ok"
    if isinstance(cause, TimeoutError) or state == _STATEMENT_TIMEOUT:
        return "timeout"
    code = getattr(cause, "sqlite_errorcode", 0) & SQLITE_PRIMARY_CODE
    if state.startswith(_CONFLICTS) or code in _SQLITE_CONFLICTS:
        return "conflict"
    return "connection" if disconnects or isinstance(cause, OSError) else "error"
