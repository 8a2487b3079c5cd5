"""Puts the one layer around a FastAPI application, with server spans by OpenTelemetry's own instrumentation."""

import os
from collections.abc import Callable
from typing import TYPE_CHECKING

from opentelemetry.instrumentation.fastapi import FastAPIInstrumentor
from opentelemetry.instrumentation.httpx import HTTPX2ClientInstrumentor
from opentelemetry.metrics import NoOpMeterProvider
from starlette.types import Receive, Scope, Send

from app.telemetry.layer import TelemetryLayer, adopt_span
from app.telemetry.metrics import HttpMetrics
from app.telemetry.tracing import Tracing

if TYPE_CHECKING:
    import httpx2
    from fastapi import FastAPI
    from fastapi.telemetry import TelemetryConfig

# The framework's own spans, metrics and logs would record each request a second time.
FRAMEWORK_TELEMETRY: "TelemetryConfig" = {"tracing": False, "metrics": False, "logs": False, "operation_spans": False}


def observe(
    app: "FastAPI", *, metrics: HttpMetrics, tracing: Tracing, draining: Callable[[], bool] = lambda: False
) -> TelemetryLayer:
    """The application as it is served. Its middleware must be complete; both stacks are built here."""
    _choose_stable_names()
    plain = app.build_middleware_stack()
    traced = plain
    if tracing.provider is not None:
        FastAPIInstrumentor.instrument_app(
            app,
            tracer_provider=tracing.provider,
            meter_provider=NoOpMeterProvider(),
            server_request_hook=adopt_span,
            exclude_spans=["receive", "send"],
        )
        traced = app.build_middleware_stack()
    metrics.declare(_operations(app))
    return TelemetryLayer(_Stack(app, plain), _Stack(app, traced), metrics=metrics, tracing=tracing, draining=draining)


def observe_client(client: "httpx2.AsyncClient", tracing: Tracing) -> None:
    """Makes a client span of each call and sends the trace context on."""
    _choose_stable_names()
    HTTPX2ClientInstrumentor.instrument_client(
        client, tracer_provider=tracing.provider, meter_provider=NoOpMeterProvider()
    )


def _choose_stable_names() -> None:
    """Read once a process, by whatever is instrumented first; spans would carry names that the conventions dropped."""
    os.environ.setdefault("OTEL_SEMCONV_STABILITY_OPT_IN", "http")


class _Stack:
    """One middleware stack of an application; `lifespan` always takes the application itself."""

    def __init__(self, app: "FastAPI", stack: "Callable[[Scope, Receive, Send], object]") -> None:
        self._app = app
        self._stack = stack

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        scope["app"] = self._app
        await self._stack(scope, receive, send)  # type: ignore[misc]


def _operations(app: "FastAPI") -> list[tuple[str, str, list[str]]]:
    """(method, route, statuses) of all that the service documents, and what may happen to any of it."""
    return [
        (method.upper(), route, sorted({*(s for s in operation["responses"] if s.isdigit()), "500", "503"}))
        for route, methods in app.openapi()["paths"].items()
        for method, operation in methods.items()
    ]
