"""Installs the telemetry layer around a FastAPI application."""

from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING

from fastapi.routing import RouteContext, iter_route_contexts
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
    routes = [(route.path_format, route) for route in iter_route_contexts(app.routes) if route.path_format]
    paths = Paths(path for path, _ in routes)
    instrument(app, tracing, paths)
    metrics.declare(_operations(routes))
    metrics.sockets.declare(path for path, route in routes if isinstance(route.original_route, WebSocketRoute))
    return TelemetryLayer(app, paths, metrics, tracing, draining)


def _operations(routes: Iterable[tuple[str, RouteContext]]) -> Iterator[tuple[str, str, list[str]]]:
    """Yields (method, route, statuses) of each documented operation: its successes, 500 and 503.

    Read from the routes: generating the OpenAPI document takes half a second at each start.
    """
    for path, route in routes:
        if route.methods and route.include_in_schema:
            stated = {str(status) for status in (route.status_code or 200, *route.responses)}
            statuses = sorted({*(status for status in stated if status[0] in "23"), "500", "503"})
            for method in route.methods:
                yield method, path, statuses
