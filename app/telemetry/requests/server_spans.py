"""Server spans by opentelemetry-instrumentation-fastapi, for sampled requests only.

The instrumentation costs a request 120 to 230 microseconds whether or not its span is recorded, so unsampled requests
bypass it. It reads the route before routing and records what the client sent; this module corrects both.
Names: https://opentelemetry.io/docs/specs/semconv/http/http-spans/#http-server-span
"""

from collections.abc import Awaitable
from typing import TYPE_CHECKING, Any, Final

from opentelemetry.trace import Span, format_span_id, format_trace_id, get_current_span
from opentelemetry.util.types import AttributeValue
from starlette.background import BackgroundTask
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.telemetry import context
from app.telemetry.requests.redaction import Paths, shown_address, shown_method
from app.telemetry.requests.routes import METHODS, UNMATCHED, route_of

if TYPE_CHECKING:
    from fastapi import FastAPI
    from opentelemetry.sdk.trace import TracerProvider

_PATCHED: Final = "_otel_original_call"


def instrument(app: "FastAPI", provider: "TracerProvider", paths: Paths) -> None:
    """Instruments an application; call this after its last middleware is added."""
    # The import takes a tenth of a second, which a process without spans saves.
    from opentelemetry.instrumentation.fastapi import FastAPIInstrumentor  # noqa: PLC0415
    from opentelemetry.metrics import NoOpMeterProvider  # noqa: PLC0415

    def describe(span: Span, scope: dict[str, Any]) -> None:
        _adopt_ids(span)
        span.set_attributes(_redacted_attributes(scope, paths))

    # Marked as patched, BackgroundTask keeps its own `__call__`: the patch makes a second span of each request that
    # has a task, in every application of the process.
    if not hasattr(BackgroundTask, _PATCHED):
        setattr(BackgroundTask, _PATCHED, BackgroundTask.__call__)
    FastAPIInstrumentor.instrument_app(
        app,
        tracer_provider=provider,
        meter_provider=NoOpMeterProvider(),
        server_request_hook=describe,
        excluded_urls="",
        exclude_spans=["receive", "send"],
    )
    error_handler: Any = app.build_middleware_stack()  # for errors of the instrumentation, which the layer handles
    app.middleware_stack = SampledOnly(error_handler.app)


class SampledOnly:
    """Calls the instrumentation for sampled requests, and the application inside of it for all others."""

    def __init__(self, instrumentation: Any) -> None:
        instrumentation.default_span_details = _details_before_routing
        self._instrumented: ASGIApp = instrumentation
        self._bare: ASGIApp = instrumentation.app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        work = context.current()
        if work is None or not work.sampled:
            await self._bare(scope, receive, send)
            return

        def send_named(message: Message) -> Awaitable[None]:
            if message["type"] == "http.response.start":
                _name_after_route(get_current_span(), scope)
            return send(message)

        await self._instrumented(scope, receive, send_named)


def _details_before_routing(scope: Scope) -> tuple[str, dict[str, AttributeValue]]:
    """Returns name and attributes of a new span. The instrumentation's own function matches all routes once more."""
    return scope["method"], {}


def _adopt_ids(span: Span) -> None:
    """Makes the ids of the span those of the request."""
    work, ids = context.current(), span.get_span_context()
    if work is not None:
        work.trace_id, work.span_id = format_trace_id(ids.trace_id), format_span_id(ids.span_id)


def _redacted_attributes(scope: Scope, paths: Paths) -> dict[str, AttributeValue]:
    """Returns replacements of the attributes that a client can fill with anything."""
    attributes: dict[str, AttributeValue] = {"url.path": paths.shown(scope["path"])}
    if scope["method"] not in METHODS:
        attributes["http.request.method_original"] = shown_method(scope["method"])
    if scope.get("server"):
        attributes["server.address"] = scope["server"][0]
    if scope.get("client"):
        attributes["client.address"] = shown_address(scope["client"][0])
    return attributes


def _name_after_route(span: Span, scope: Scope) -> None:
    """Names a span by method and route, after routing; the method alone when no route matched."""
    method, route = scope["method"] if scope["method"] in METHODS else "HTTP", route_of(scope)
    if route == UNMATCHED:
        span.update_name(method)
    else:
        span.update_name(f"{method} {route}")
        span.set_attribute("http.route", route)
