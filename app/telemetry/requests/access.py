"""The access line: one for each request and each WebSocket, when it is over."""

from datetime import UTC, datetime

from starlette.types import Scope

from app.telemetry.context import WorkContext
from app.telemetry.requests.exchange import Exchange
from app.telemetry.requests.redaction import Paths, shown_address
from app.telemetry.requests.websocket import Conversation


def request_line(exchange: Exchange, method: str, route: str, seconds: float, path: str) -> dict[str, object]:
    """What became of a request. `ttfb_ms` is the time to the first byte of the answer, null without one."""
    work, began, client = exchange.work, exchange.began, exchange.scope.get("client")
    return {
        "timestamp": datetime.now(UTC),
        "level": "info",
        "event": "http_request",
        "method": method,
        "route": route,
        "path": path,
        "status": exchange.status,
        "duration_ms": _milliseconds(seconds),
        "ttfb_ms": None if began is None else _milliseconds(began - exchange.started),
        "request_id": work.request_id,
        "trace_id": work.trace_id,
        "span_id": work.span_id,
        "user_id": work.user_id,
        "client": shown_address(client[0]) if client else "",
    }


def socket_line(
    scope: Scope, conversation: Conversation, work: WorkContext, route: str, paths: Paths
) -> dict[str, object]:
    """What became of a WebSocket: `status` answered its handshake, `code` and our own `reason` closed it."""
    client = scope.get("client")
    return {
        "timestamp": datetime.now(UTC),
        "level": "info",
        "event": "websocket",
        "route": route,
        "path": paths.shown(scope["path"]),
        "status": conversation.status,
        "code": conversation.code,
        "reason": conversation.reason,
        "duration_ms": _milliseconds(conversation.seconds),
        "received": conversation.received,
        "sent": conversation.sent,
        "request_id": work.request_id,
        "trace_id": work.trace_id,
        "span_id": work.span_id,
        "user_id": work.user_id,
        "client": shown_address(client[0]) if client else "",
    }


def _milliseconds(seconds: float) -> float:
    """To the microsecond, which `round` takes longer for; asked twice for each request."""
    return int(seconds * 1_000_000 + 0.5) / 1000
