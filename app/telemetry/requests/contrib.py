"""Server spans by opentelemetry-instrumentation-fastapi, around an application's middleware.

What it does not do well is done here, so that its spans say the same as those of own_spans.py: it looks for the route
before routing, tells whatever a client sends, and ends a span with the answer, before an exception may come by. It
looks through all headers ten times: it sees none, since none may be told, and who called is known.
"""

import sys
from collections.abc import Awaitable
from typing import TYPE_CHECKING, Any, Final

from opentelemetry.trace import Span
from starlette.background import BackgroundTask
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.telemetry.requests.exchange import SERVER_ERROR
from app.telemetry.requests.redaction import Paths
from app.telemetry.requests.routes import route_of
from app.telemetry.requests.spans import WORK, adopt, guarded, routed

if TYPE_CHECKING:
    from fastapi import FastAPI
    from opentelemetry.sdk.trace import TracerProvider

_REQUEST: Final = "binnacle.request"
_SPAN: Final = "binnacle.span"
_DONE: Final = "_otel_original_call"


class InstrumentedStack:
    """The middleware of an application inside of the instrumentation. To be made when it is complete."""

    def __init__(self, app: "FastAPI", provider: "TracerProvider", paths: Paths) -> None:
        # A tenth of a second, for whoever uses it.
        from opentelemetry.instrumentation.asgi import OpenTelemetryMiddleware  # noqa: PLC0415
        from opentelemetry.instrumentation.fastapi import FastAPIInstrumentor  # noqa: PLC0415
        from opentelemetry.metrics import NoOpMeterProvider  # noqa: PLC0415

        from app.telemetry.requests.contrib_tracer import ServerTracers  # noqa: PLC0415

        def began(span: Span, seen: dict[str, Any]) -> None:
            scope = seen[_REQUEST]
            seen[_SPAN] = span
            adopt(span, scope[WORK])
            span.set_attributes(guarded(scope, paths))

        # It would make a second span of each request with a task behind it, in whichever application of the process,
        # and always with the tracer of the first: it leaves alone what it believes to have done.
        if not hasattr(BackgroundTask, _DONE):
            setattr(BackgroundTask, _DONE, BackgroundTask.__call__)
        FastAPIInstrumentor.instrument_app(
            app,
            tracer_provider=ServerTracers(provider),
            meter_provider=NoOpMeterProvider(),
            server_request_hook=began,
            exclude_spans=["receive", "send"],
        )
        # Outermost it puts a guard against faults of its own, which the layer is as well.
        found: Any = app.build_middleware_stack()
        while not isinstance(found, OpenTelemetryMiddleware):
            found = found.app
        # Its own way matches all routes a second time, before the application does; the name follows with the answer.
        found.default_span_details = _unrouted
        found.app = _whole(found.app)
        self._instrumentation: ASGIApp = found

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        seen = {**scope, "headers": (), "query_string": b"", _REQUEST: scope}

        def look(message: Message) -> Awaitable[None]:
            if message["type"] == "http.response.start":
                _answered(seen[_SPAN], scope, message["status"])
            return send(message)

        await self._instrumentation(seen, receive, look)


def _whole(app: ASGIApp) -> ASGIApp:
    """Gives the application the request itself, not what the instrumentation sees of it."""

    def call(seen: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        return app(seen[_REQUEST], receive, send)

    return call


def _unrouted(scope: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    return scope["method"], {}


def _answered(span: Span, scope: Scope, status: int) -> None:
    name, attributes = routed(scope, route_of(scope))
    span.update_name(name)
    span.set_attributes(attributes)
    # The edge answers for what nobody handled while it is under way; further out the span has ended with that answer.
    error = sys.exception()
    if status == SERVER_ERROR and error is not None and not isinstance(error, HTTPException):
        span.record_exception(error)
