"""Puts the one layer around a FastAPI application, with server spans by OpenTelemetry's own instrumentation."""

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Literal

from fastapi.routing import iter_route_contexts
from starlette.routing import WebSocketRoute

from app.telemetry.metrics import HttpMetrics
from app.telemetry.requests.contrib import InstrumentedStack
from app.telemetry.requests.layer import TelemetryLayer
from app.telemetry.requests.redaction import Paths
from app.telemetry.traces.tracing import Tracing

if TYPE_CHECKING:
    from fastapi import FastAPI
    from fastapi.telemetry import TelemetryConfig

# The framework's own spans, metrics and logs would record each request a second time.
FRAMEWORK_TELEMETRY: "TelemetryConfig" = {"tracing": False, "metrics": False, "logs": False, "operation_spans": False}


def observe(
    app: "FastAPI",
    *,
    metrics: HttpMetrics,
    tracing: Tracing,
    draining: Callable[[], bool] = lambda: False,
    spans: Literal["contrib", "own"] = "contrib",
) -> TelemetryLayer:
    """The application as it is served. Its middleware must be complete; `spans` says who makes those of the server."""
    plain = traced = app.build_middleware_stack()
    own = None
    paths = Paths(route.path_format or "" for route in iter_route_contexts(app.routes))
    if tracing.provider is not None and spans == "own":
        from app.telemetry.requests.own_spans import ServerSpans  # noqa: PLC0415 -- needs the SDK

        own = ServerSpans(tracing.provider, paths)
    elif tracing.provider is not None:
        traced = InstrumentedStack(app, tracing.provider, paths)
    metrics.declare(_operations(app))
    metrics.sockets.declare(_sockets(app))
    return TelemetryLayer(
        app, plain, traced, spans=own, paths=paths, metrics=metrics, tracing=tracing, draining=draining
    )


def _operations(app: "FastAPI") -> Iterator[tuple[str, str, list[str]]]:
    """(method, route, statuses) of all that the service documents: its successes, and the failures of its own.

    Asked of the routes: to make the OpenAPI document would take half a second of every start.
    """
    for context in iter_route_contexts(app.routes):
        if not context.methods or not context.path_format or not context.include_in_schema:
            continue
        stated = {str(status) for status in (context.status_code or 200, *context.responses)}
        statuses = sorted({*(status for status in stated if status[0] in "23"), "500", "503"})
        for method in context.methods:
            yield method, context.path_format, statuses


def _sockets(app: "FastAPI") -> Iterator[str]:
    """The routes of WebSockets."""
    for context in iter_route_contexts(app.routes):
        if isinstance(context.original_route, WebSocketRoute) and context.path_format:
            yield context.path_format
