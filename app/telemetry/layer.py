"""The one ASGI layer: sees each request once, and writes its metrics, its access line and its trace context."""

import re
import time
from collections.abc import Callable
from typing import Any, Final
from uuid import uuid4

import structlog
from opentelemetry import trace
from opentelemetry.trace import SpanContext, format_span_id, format_trace_id
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Receive, Scope, Send

from app.telemetry import context, errors
from app.telemetry.context import WorkContext
from app.telemetry.exchange import CLIENT_CLOSED_REQUEST, SERVER_ERROR, Exchange
from app.telemetry.metrics import HttpMetrics
from app.telemetry.tracing import Tracing

_QUIET_ROUTES: Final = frozenset({"/livez", "/readyz", "/startupz"})
_SANE_REQUEST_ID: Final = re.compile(rb"[A-Za-z0-9._-]{1,128}")


class TelemetryLayer:
    """Wraps the two stacks of one application: `plain`, and `traced` by the instrumentation.

    `draining` says whether each answer should close its connection, so that a kept one is never cut.
    """

    def __init__(
        self, plain: ASGIApp, traced: ASGIApp, *, metrics: HttpMetrics, tracing: Tracing, draining: Callable[[], bool]
    ) -> None:
        self._plain = plain
        self._traced = traced
        self._metrics = metrics
        self._tracing = tracing
        self._draining = draining
        self._log = structlog.get_logger()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._plain(scope, receive, send)
            return
        headers = _interesting(scope)
        parent = self._tracing.incoming(headers.get(b"traceparent", b"").decode("latin-1") or None)
        work = WorkContext(
            request_id=_request_id(headers.get(b"x-request-id")),
            trace_id=format_trace_id(parent.trace_id),
            span_id=format_span_id(parent.span_id),
            sampled=self._tracing.records(parent),
        )
        exchange = Exchange(scope, receive, send, work, self._draining)
        token = context.enter(work)
        self._metrics.in_progress.inc()
        try:
            await self._answer(scope, exchange, parent)
        except ClientDisconnect:
            exchange.status = CLIENT_CLOSED_REQUEST
        except Exception as error:  # noqa: BLE001 -- the outermost place; the client has its 500 already
            exchange.failed()
            self._log.error("unhandled_error", exc_info=error, route=exchange.route())
            errors.capture(error, route=exchange.route())
        finally:
            self._metrics.in_progress.dec()
            self._record(exchange)
            context.leave(token)

    async def _answer(self, scope: Scope, exchange: Exchange, parent: SpanContext) -> None:
        if exchange.work.sampled:
            scope["binnacle.work"] = exchange.work
            await self._traced(scope, exchange.receive, exchange.send)
        else:
            with self._tracing.unrecorded(parent):
                await self._plain(scope, exchange.receive, exchange.send)

    def _record(self, exchange: Exchange) -> None:
        seconds = time.perf_counter() - exchange.started
        method, route, status = exchange.method(), exchange.route(), exchange.status
        self._metrics.requests.labels(method, route, str(status)).inc()
        self._metrics.duration.labels(method, route).observe(seconds)
        if route in _QUIET_ROUTES and status < SERVER_ERROR:
            return
        scope, work = exchange.scope, exchange.work
        self._log.info(
            "http_request",
            method=method,
            route=route,
            path=scope["path"],
            status=status,
            duration_ms=round(seconds * 1000, 3),
            request_id=work.request_id,
            trace_id=work.trace_id,
            span_id=work.span_id,
            user_id=work.user_id,
            client=(scope.get("client") or ("",))[0],
        )


def adopt_span(span: trace.Span, scope: dict[str, Any]) -> None:
    """The instrumentation's hook: the server span's ids become the request's."""
    work: WorkContext | None = scope.get("binnacle.work")
    if work is not None and span.is_recording():
        ids = span.get_span_context()
        work.trace_id, work.span_id = format_trace_id(ids.trace_id), format_span_id(ids.span_id)
        if scope["query_string"]:
            span.set_attribute("url.query", "REDACTED")  # it may hold a token, and nobody needs it to find the request


def _interesting(scope: Scope) -> dict[bytes, bytes]:
    return {name: value for name, value in scope["headers"] if name in (b"traceparent", b"x-request-id")}


def _request_id(given: bytes | None) -> str:
    if given is not None and _SANE_REQUEST_ID.fullmatch(given):
        return given.decode("ascii")
    return uuid4().hex
