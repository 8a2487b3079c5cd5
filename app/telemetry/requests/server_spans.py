"""Server spans by opentelemetry-instrumentation-fastapi, for sampled requests only.

The instrumentation costs a request 120 to 230 microseconds whether or not its span is recorded, so unsampled requests
bypass it. It looks for the route before routing and records what the client sent; this module corrects both.
Names: https://opentelemetry.io/docs/specs/semconv/http/http-spans/#http-server-span
"""

from collections.abc import Awaitable
from typing import TYPE_CHECKING, Any, Final

from opentelemetry.trace import Span, get_current_span
from opentelemetry.util.types import AttributeValue
from starlette.background import BackgroundTask
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.telemetry import context
from app.telemetry.requests.redaction import Paths, shown_address, shown_method
from app.telemetry.requests.routes import METHODS, UNMATCHED, route_of
from app.telemetry.traces.tracing import Tracing

if TYPE_CHECKING:
    from fastapi import FastAPI

_SCOPE: Final = "binnacle.scope"
_PATCHED: Final = "_otel_original_call"


def instrument(app: "FastAPI", tracing: Tracing, paths: Paths) -> None:
    """Instruments an application unless no span is recorded; call this after its last middleware is added."""
    if tracing.provider is None:
        return
    # The import takes a tenth of a second, which a process without spans saves.
    from opentelemetry.instrumentation.fastapi import FastAPIInstrumentor  # noqa: PLC0415
    from opentelemetry.metrics import NoOpMeterProvider  # noqa: PLC0415

    from app.telemetry.requests.light_span import LightTracer  # noqa: PLC0415

    # Marked as patched, BackgroundTask keeps its own `__call__`: the patch makes a second span of each request that
    # has a task, in every application of the process.
    if not hasattr(BackgroundTask, _PATCHED):
        setattr(BackgroundTask, _PATCHED, BackgroundTask.__call__)
    FastAPIInstrumentor.instrument_app(
        app,
        tracer_provider=tracing.provider,
        meter_provider=NoOpMeterProvider(),
        excluded_urls="",
        exclude_spans=["receive", "send"],
    )
    error_handler: Any = app.build_middleware_stack()  # for errors of the instrumentation, which the layer handles
    instrumentation = error_handler.app
    # Its own function matches all routes once more.
    instrumentation.default_span_details = lambda scope: (scope["method"], _redacted_attributes(scope, paths))
    instrumentation.tracer = LightTracer(instrumentation.tracer, tracing.ratio.state)
    app.middleware_stack = SampledOnly(instrumentation)


class SampledOnly:
    """Calls the instrumentation for sampled requests, and the application inside of it for all others."""

    def __init__(self, instrumentation: Any) -> None:
        self._bare: ASGIApp = instrumentation.app
        self._instrumented: ASGIApp = instrumentation
        instrumentation.app = self._call_unredacted

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        work = context.current()
        if work is None or not work.sampled:
            return self._bare(scope, receive, send)

        def send_named(message: Message) -> Awaitable[None]:
            if message["type"] == "http.response.start":
                _name_after_route(get_current_span(), scope)
            return send(message)

        # Query and headers may not be recorded, the caller's span is current already, and the instrumentation searches
        # all headers ten times.
        redacted = {**scope, "headers": (), "query_string": b"", _SCOPE: scope}
        return self._instrumented(redacted, receive, send_named)

    def _call_unredacted(self, redacted: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        return self._bare(redacted[_SCOPE], receive, send)


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
