"""Installs the telemetry layer around a FastAPI application."""

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from fastapi.routing import iter_route_contexts
from starlette.routing import WebSocketRoute

from app.telemetry.metrics import HttpMetrics
from app.telemetry.requests.layer import TelemetryLayer
from app.telemetry.requests.redaction import Paths
from app.telemetry.requests.server_spans import instrument
from app.telemetry.traces.tracing import Tracing

if TYPE_CHECKING:
    from fastapi import FastAPI
    from fastapi.telemetry import TelemetryConfig

# FastAPI's own spans, metrics and logs would record each request a second time.
FRAMEWORK_TELEMETRY: "TelemetryConfig" = {"tracing": False, "metrics": False, "logs": False, "operation_spans": False}


def observe(
    app: "FastAPI", *, metrics: HttpMetrics, tracing: Tracing, draining: Callable[[], bool] = lambda: False
) -> TelemetryLayer:
    """Returns the application as it is served; call this after its last middleware is added."""
    paths = Paths(route.path_format or "" for route in iter_route_contexts(app.routes))
    instrument(app, tracing, paths)
    metrics.declare(_operations(app))
    metrics.sockets.declare(_sockets(app))
    return TelemetryLayer(app, paths, metrics, tracing, draining)


def _operations(app: "FastAPI") -> Iterator[tuple[str, str, list[str]]]:
    """Yields (method, route, statuses) of each documented operation: its successes, 500 and 503.

    Read from the routes: generating the OpenAPI document takes half a second at each start.
    """
    for context in iter_route_contexts(app.routes):
        if not context.methods or not context.path_format or not context.include_in_schema:
            continue
        stated = {str(status) for status in (context.status_code or 200, *context.responses)}
        statuses = sorted({*(status for status in stated if status[0] in "23"), "500", "503"})
        for method in context.methods:
            yield method, context.path_format, statuses


def _sockets(app: "FastAPI") -> Iterator[str]:
    """Yields the routes of WebSockets."""
    for context in iter_route_contexts(app.routes):
        if isinstance(context.original_route, WebSocketRoute) and context.path_format:
            yield context.path_format
