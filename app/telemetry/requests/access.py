"""Access line: one for each request and each WebSocket, written when it ends."""

from datetime import UTC, datetime

from app.telemetry.requests.exchange import HttpExchange
from app.telemetry.requests.redaction import Paths, shown_address
from app.telemetry.requests.websocket import WebSocketExchange


def access_line(
    exchange: HttpExchange | WebSocketExchange, route: str, seconds: float, paths: Paths
) -> dict[str, object]:
    """Returns the line of an exchange that took so many seconds.

    `ttfb_ms` is the time to the first byte of the response, null without one.
    """
    scope, work, client = exchange.scope, exchange.work, exchange.scope.get("client")
    common = {
        "route": route,
        "path": paths.shown(scope["path"]),
        "status": exchange.status,
        "duration_ms": int(seconds * 1_000_000 + 0.5) / 1000,  # in less time than `round` takes
        "request_id": work.request_id,
        "trace_id": work.trace_id,
        "span_id": work.span_id,
        "user_id": work.user_id,
        "client": shown_address(client[0]) if client else "",
    }
    if isinstance(exchange, WebSocketExchange):
        return {
            "timestamp": datetime.now(UTC),
            "level": "info",
            "event": "websocket",
            "code": exchange.code,
            "reason": exchange.reason,
            "received": exchange.received,
            "sent": exchange.sent,
            **common,
        }
    began = exchange.began
    return {
        "timestamp": datetime.now(UTC),
        "level": "info",
        "event": "http_request",
        "method": exchange.method,
        "ttfb_ms": None if began is None else int((began - exchange.started) * 1_000_000 + 0.5) / 1000,
        **common,
    }
