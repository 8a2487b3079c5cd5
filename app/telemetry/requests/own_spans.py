"""Server spans that the layer makes itself, alike in every attribute to those of the instrumentation.

Imported only where it is chosen.
"""

from typing import Final

from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import StatusCode, format_span_id
from opentelemetry.util.types import AttributeValue
from starlette.types import Scope

from app.telemetry.context import WorkContext
from app.telemetry.requests.exchange import SERVER_ERROR, Exchange
from app.telemetry.requests.redaction import Paths
from app.telemetry.requests.routes import METHODS
from app.telemetry.requests.server_span import Recorder, ServerSpan
from app.telemetry.requests.spans import guarded, routed
from app.telemetry.traces.remote_parent import Origin

_SCOPE: Final = InstrumentationScope("app.telemetry", "", "https://opentelemetry.io/schemas/1.21.0")
_NANOSECONDS: Final = 1_000_000_000


class ServerSpans:
    """One span for a request, from its first byte to the last of its answer."""

    def __init__(self, provider: TracerProvider, paths: Paths) -> None:
        self._recorder = Recorder(provider, _SCOPE)
        self._paths = paths

    def start(self, scope: Scope, origin: Origin, work: WorkContext) -> ServerSpan:
        """Begins the span, whose id becomes the request's."""
        span = ServerSpan(self._recorder, origin, "", self._asked(scope))
        if span.parent is not None:
            work.span_id = format_span_id(span.context.span_id)
        return span

    def end(self, span: ServerSpan, exchange: Exchange, route: str, seconds: float) -> None:
        """Says what became of the request; its duration is the one that is measured and logged."""
        span.name, found = routed(exchange.scope, route)
        attributes, status = span.attributes, exchange.answered
        attributes.update(found)
        if status is not None:
            attributes["http.response.status_code"] = status
            if status >= SERVER_ERROR:
                attributes["error.type"] = str(status)
                span.set_status(StatusCode.ERROR)
        if exchange.error is not None:
            span.record_exception(exchange.error)
        span.end(span.started + int(seconds * _NANOSECONDS))

    def _asked(self, scope: Scope) -> dict[str, AttributeValue]:
        """What is known before the application is asked."""
        method, server, client = scope["method"], scope.get("server"), scope.get("client")
        attributes: dict[str, AttributeValue] = {
            "http.request.method": method if method in METHODS else "_OTHER",
            "url.scheme": scope["scheme"],
            "network.protocol.version": scope["http_version"],
            **guarded(scope, self._paths),
        }
        if server and server[1]:
            attributes["server.port"] = server[1]
        if client:
            attributes["client.port"] = client[1]
        return attributes
