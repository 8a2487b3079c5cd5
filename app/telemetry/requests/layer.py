"""ASGI layer for telemetry: metrics, access line and trace context of each request and WebSocket."""

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

import structlog
from opentelemetry import context as otel_context
from opentelemetry.context import Context
from opentelemetry.trace import NonRecordingSpan, SpanContext, set_span_in_context
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Receive, Scope, Send

from app.telemetry import context, logs
from app.telemetry.context import WorkContext, given_id, new_id
from app.telemetry.logs.sink import Sink
from app.telemetry.metrics import HttpMetrics
from app.telemetry.requests.access import access_line
from app.telemetry.requests.exchange import SERVER_ERROR, HttpExchange
from app.telemetry.requests.redaction import Paths
from app.telemetry.requests.routes import route_of
from app.telemetry.requests.websocket import WebSocketExchange
from app.telemetry.traces import sampling
from app.telemetry.traces.tracing import Tracing

_QUIET_ROUTES: Final = frozenset({"/livez", "/readyz", "/startupz"})


@dataclass(slots=True, eq=False)
class TelemetryLayer:
    """Outermost middleware of an application.

    `draining` returns whether each response should close its connection.
    """

    _app: ASGIApp
    _paths: Paths
    _metrics: HttpMetrics
    _tracing: Tracing
    _draining: Callable[[], bool]
    _sink: Sink = field(default_factory=logs.current_sink, init=False)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        work, parent = self._identify(scope)
        exchange: HttpExchange | WebSocketExchange
        if scope["type"] == "http":
            exchange = HttpExchange(scope, receive, send, work, self._metrics, self._draining)
        else:
            exchange = WebSocketExchange(scope, receive, send, work, self._metrics.sockets)
        entered = context.enter(work)
        # The caller's span replaces anything that the server left in OpenTelemetry's context. The ids of a trace that
        # begins here are in the work context.
        attached = otel_context.attach(_current(parent)) if parent or otel_context.get_current() else None
        try:
            await self._app(scope, exchange.receive, exchange.send)
        except Exception as error:  # noqa: BLE001 -- no layer outside of this one handles it
            if not isinstance(error, ClientDisconnect):
                structlog.get_logger().error("unhandled_error", exc_info=error, route=route_of(scope))
            await exchange.fail(error)
        finally:
            route = route_of(scope)
            seconds = exchange.close(route)
            # Probes have an access line only when they fail.
            if self._sink.level <= logging.INFO and (
                route not in _QUIET_ROUTES or (exchange.status or 0) >= SERVER_ERROR
            ):
                self._sink.write_soon(access_line(exchange, route, seconds, self._paths))
            if attached is not None:
                otel_context.detach(attached)
            context.leave(entered)

    def _identify(self, scope: Scope) -> tuple[WorkContext, SpanContext | None]:
        """Returns the ids and the sampling decision of a request, and the span of its caller, if it names one."""
        headers = dict(reversed(scope["headers"]))  # the first of a repeated header counts
        is_http = scope["type"] == "http"
        parent = _parent(scope, headers[b"traceparent"]) if b"traceparent" in headers else None
        trace_id, span_id, sampled = self._tracing.ratio.new_ids() if parent is None else sampling.ids_of(parent)
        request_id = given_id(headers.get(b"x-request-id")) or (trace_id if parent is None else new_id())
        # A WebSocket is not recorded: it may stay open for hours, and a span is exported at its end.
        sampled = sampled and is_http and self._tracing.provider is not None
        if parent is not None and not is_http:
            parent = sampling.unsampled(parent)
        return WorkContext(request_id, trace_id, span_id, sampled), parent


def _parent(scope: Scope, traceparent: bytes) -> SpanContext | None:
    """Parses W3C Trace Context; None when it is invalid."""
    states = b",".join(value for name, value in scope["headers"] if name == b"tracestate")
    return sampling.parse(traceparent.decode("latin-1"), states.decode("latin-1") or None)


def _current(parent: SpanContext | None) -> Context:
    """Returns a context with the caller's span, or an empty one."""
    return Context() if parent is None else set_span_in_context(NonRecordingSpan(parent), Context())
