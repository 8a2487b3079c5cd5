"""A span for each statement, by SQLAlchemy's own events.

https://opentelemetry.io/docs/specs/semconv/database/. Why not by the contrib instrumentation: docs/decisions.
"""

import time
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import event

from app.telemetry.clients.sql_statements import Statements
from app.telemetry.traces.tracing import Tracing

if TYPE_CHECKING:
    from sqlalchemy import Engine
    from sqlalchemy.engine import URL, ExceptionContext

_BEGAN: Final = "binnacle_began"
_PORTS: Final = {"postgresql": 5432}


def about(url: "URL") -> dict[str, str | int]:
    """Which database it is, as all spans on it tell."""
    system = url.get_backend_name()
    attributes: dict[str, str | int] = {"db.system.name": system}
    if system == "sqlite":
        return attributes
    socket = url.query.get("host")  # a folder with a socket in it
    host = url.host or (socket if isinstance(socket, str) else "")
    if url.database:
        attributes["db.namespace"] = url.database
    if host:
        attributes["server.address"] = host
    if host and not host.startswith("/"):
        attributes["server.port"] = url.port or _PORTS[system]
    return attributes


def record_statements(engine: "Engine", tracing: Tracing) -> None:
    """Makes a span of each statement on this engine. To be used for work that is recorded, and for no other."""
    statements, common, leaf_spans = Statements(), about(engine.url), tracing.leaf_spans()

    def before(_connection: Any, _cursor: Any, sql: str, parameters: Any, context: Any, _many: Any) -> tuple[str, Any]:
        setattr(context, _BEGAN, time.time_ns())
        return sql, parameters

    def after(
        _connection: Any,
        _cursor: Any,
        sql: str,
        parameters: Any,
        context: Any,
        many: Any,
        **failure: str,
    ) -> None:
        statement = statements[sql]
        attributes: dict[str, str | int] = {
            **common,
            **failure,
            "db.query.summary": statement.summary,
            "db.operation.name": statement.operation,
            "db.query.text": statement.text,
        }
        if statement.table:
            attributes["db.collection.name"] = statement.table
        if many and len(parameters) > 1:
            attributes["db.operation.batch.size"] = len(parameters)
        leaf_spans.make(statement.summary, attributes, getattr(context, _BEGAN))
        delattr(context, _BEGAN)  # a cancelled statement is told to have failed twice

    def failed(failure: "ExceptionContext") -> None:
        context, error = failure.execution_context, failure.original_exception
        if context is None or not hasattr(context, _BEGAN):
            return
        told = {"error.type": type(error).__qualname__}
        state = getattr(error, "sqlstate", None)
        if state:
            told["db.response.status_code"] = str(state)
        after(None, None, failure.statement or "", failure.parameters, context, None, **told)

    event.listen(engine, "before_cursor_execute", before, retval=True)
    event.listen(engine, "after_cursor_execute", after)
    event.listen(engine, "handle_error", failed)
