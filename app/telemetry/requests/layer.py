"""The one ASGI layer: sees each request once, and writes its metrics, its access line and its trace context."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

import structlog
from opentelemetry import context as otel_context
from opentelemetry.context import Context
from opentelemetry.trace import INVALID_SPAN, set_span_in_context
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Receive, Scope, Send

from app.telemetry import context, logs
from app.telemetry.context import WorkContext
from app.telemetry.metrics import HttpMetrics
from app.telemetry.requests.access import request_line, socket_line
from app.telemetry.requests.exchange import SERVER_ERROR, Exchange
from app.telemetry.requests.redaction import Paths
from app.telemetry.requests.request_ids import given_id, new_id
from app.telemetry.requests.routes import method_of, route_of
from app.telemetry.requests.spans import WORK
from app.telemetry.requests.websocket import Conversation
from app.telemetry.traces.remote_parent import Origin
from app.telemetry.traces.tracing import Tracing

if TYPE_CHECKING:
    from app.telemetry.requests.own_spans import ServerSpans
    from app.telemetry.requests.server_span import ServerSpan

_QUIET_ROUTES: Final = frozenset({"/livez", "/readyz", "/startupz"})
[_CURRENT_SPAN] = set_span_in_context(INVALID_SPAN, Context())  # the key; to set it anew copies a context
Headers = dict[bytes, bytes]


class TelemetryLayer:
    """Stands around the middleware of one application: `plain`, and `traced` for the requests that are sampled.

    The spans of those are made by `spans`, or else by `traced`. `draining` says whether each answer should close its
    connection, so that a kept one is never cut.
    """

    def __init__(
        self,
        app: ASGIApp,
        plain: ASGIApp,
        traced: ASGIApp,
        *,
        spans: "ServerSpans | None",
        paths: Paths,
        metrics: HttpMetrics,
        tracing: Tracing,
        draining: Callable[[], bool],
    ) -> None:
        self._app = app
        self._plain = plain
        self._traced = traced
        self._spans = spans
        self._paths = paths
        self._metrics = metrics
        self._tracing = tracing
        self._draining = draining
        self._sink = logs.current_sink()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await (self._converse if scope["type"] == "websocket" else self._app)(scope, receive, send)
            return
        headers = dict(reversed(scope["headers"]))  # of a repeated one the first counts
        called = b"traceparent" in headers
        origin = self._called(scope, headers) if called else self._tracing.origin(None)
        sampled = origin.sampled and self._tracing.provider is not None
        work = WorkContext(_request_id(headers, origin), origin.trace_id, origin.span_id, sampled)
        exchange = Exchange(scope, receive, send, work, self._draining)
        scope["app"], scope[WORK] = self._app, work
        span = self._spans.start(scope, origin, work) if sampled and self._spans is not None else None
        at_work = context.enter(work)
        # Work that begins here and isn't recorded needs no place there, unless the server left another request's in it.
        in_trace = None
        if called or sampled or otel_context.get_current():
            in_trace = otel_context.attach(Context({_CURRENT_SPAN: span or origin}))
        self._metrics.began()
        try:
            await (self._traced if sampled else self._plain)(scope, exchange.receive, exchange.send)
        except ClientDisconnect:
            exchange.left()
        except Exception as error:  # noqa: BLE001 -- the outermost place; the client has its 500 already
            exchange.failed(error)
            structlog.get_logger().error("unhandled_error", exc_info=error, route=route_of(scope))
        finally:
            self._record(exchange, span)
            if in_trace is not None:
                otel_context.detach(in_trace)
            context.leave(at_work)

    async def _converse(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = dict(reversed(scope["headers"]))
        origin = self._called(scope, headers)
        work = WorkContext(_request_id(headers, origin), origin.trace_id, origin.span_id)
        conversation = Conversation(scope, receive, send, self._metrics.sockets)
        scope["app"], scope[WORK] = self._app, work
        at_work = context.enter(work)
        # It may last for hours, and a span is told at its end; so nothing that it does is recorded either.
        in_trace = otel_context.attach(Context({_CURRENT_SPAN: origin.unrecorded()}))
        try:
            await self._plain(scope, conversation.receive, conversation.send)
        except Exception as error:  # noqa: BLE001 -- the outermost place
            structlog.get_logger().error("unhandled_error", exc_info=error, route=route_of(scope))
            await conversation.fail()
        finally:
            conversation.close()
            if self._sink.tells_access:
                self._sink.write(socket_line(scope, conversation, work, route_of(scope), self._paths))
            otel_context.detach(in_trace)
            context.leave(at_work)

    def _called(self, scope: Scope, headers: Headers) -> Origin:
        """Who called, or a new trace where the caller tells of none that makes sense."""
        states = b",".join(value for name, value in scope["headers"] if name == b"tracestate")
        traceparent = headers.get(b"traceparent", b"").decode("latin-1")
        return self._tracing.origin(traceparent or None, states.decode("latin-1") or None)

    def _record(self, exchange: Exchange, span: "ServerSpan | None") -> None:
        seconds = exchange.close()
        scope, work, status, began = exchange.scope, exchange.work, exchange.status, exchange.began
        method, route = method_of(scope), route_of(scope)
        # A stream of events lasts; its caller waited for its beginning.
        waited = began - exchange.started if exchange.is_event_stream and began is not None else seconds
        trace_id = work.trace_id if work.sampled else None
        self._metrics.answered(method, route, status, waited, trace_id, exchange.ended)
        if span is not None and self._spans is not None:
            self._spans.end(span, exchange, route, seconds)
        if self._sink.tells_access and (status >= SERVER_ERROR or route not in _QUIET_ROUTES):
            self._sink.write_soon(request_line(exchange, method, route, seconds, self._paths.shown(scope["path"])))


def _request_id(headers: Headers, origin: Origin) -> str:
    """The caller's. Without: that of the trace, if it begins here, for then it is of this request alone."""
    given = given_id(headers.get(b"x-request-id"))
    return given or (new_id() if b"traceparent" in headers else origin.trace_id)
