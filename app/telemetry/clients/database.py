"""Database spans: one for each statement, from SQLAlchemy's events.

Names: https://opentelemetry.io/docs/specs/semconv/database/. docs/decisions/0018-spans.md has the reasons against the
contrib instrumentation.
"""

import time
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import event

from app.telemetry.clients.sql_statements import describe
from app.telemetry.traces.tracing import Tracing

if TYPE_CHECKING:
    from sqlalchemy import Engine
    from sqlalchemy.engine import URL, ExceptionContext

_BEGAN: Final = "binnacle_began"
_PORTS: Final = {"postgresql": 5432}


def about(url: "URL") -> dict[str, str | int]:
    """Returns the attributes of a database that each of its spans carries."""
    system = url.get_backend_name()
    attributes: dict[str, str | int] = {"db.system.name": system}
    if system == "sqlite":
        return attributes
    socket = url.query.get("host")  # directory of a Unix socket
    host = url.host or (socket if isinstance(socket, str) else "")
    if url.database:
        attributes["db.namespace"] = url.database
    if host:
        attributes["server.address"] = host
    if host and not host.startswith("/"):
        attributes["server.port"] = url.port or _PORTS[system]
    return attributes


def record_statements(engine: "Engine", tracing: Tracing) -> None:
    """Creates a span for each statement of an engine; use the engine for recorded work only."""
    common, leaf_spans = about(engine.url), tracing.leaf_spans()

    def before(_connection: Any, _cursor: Any, sql: str, parameters: Any, context: Any, _many: Any) -> tuple[str, Any]:
        setattr(context, _BEGAN, time.time_ns())
        return sql, parameters

    def after(_connection: Any, _cursor: Any, sql: str, parameters: Any, context: Any, many: Any, **more: str) -> None:
        statement = describe(sql)
        attributes: dict[str, str | int] = {
            **common,
            **more,
            "db.query.summary": statement.summary,
            "db.operation.name": statement.operation,
            "db.query.text": statement.text,
        }
        if statement.table:
            attributes["db.collection.name"] = statement.table
        if many and len(parameters) > 1:
            attributes["db.operation.batch.size"] = len(parameters)
        leaf_spans.make(statement.summary, attributes, getattr(context, _BEGAN))
        delattr(context, _BEGAN)  # SQLAlchemy reports the failure of a cancelled statement twice

    def failed(failure: "ExceptionContext") -> None:
        context, error = failure.execution_context, failure.original_exception
        if context is None or not hasattr(context, _BEGAN):
            return
        attributes = {"error.type": type(error).__qualname__}
        state = getattr(error, "sqlstate", None)
        if state:
            attributes["db.response.status_code"] = str(state)
        after(None, None, failure.statement or "", failure.parameters, context, None, **attributes)

    event.listen(engine, "before_cursor_execute", before, retval=True)
    event.listen(engine, "after_cursor_execute", after)
    event.listen(engine, "handle_error", failed)
