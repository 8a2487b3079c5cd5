"""WebSocket as its messages pass."""

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from starlette.types import Message

from app.telemetry.metrics.http import SocketMetrics
from app.telemetry.requests.exchange import SERVER_ERROR, Exchange
from app.telemetry.requests.routes import route_of

if TYPE_CHECKING:
    from prometheus_client import Counter

SWITCHING_PROTOCOLS: Final = 101
FORBIDDEN: Final = 403
NORMAL_CLOSURE: Final = 1000  # close codes: RFC 6455
ABNORMAL_CLOSURE: Final = 1006
INTERNAL_ERROR: Final = 1011


@dataclass(slots=True, eq=False)
class WebSocketExchange(Exchange):
    """One WebSocket. `status` answers the handshake; `code` is the close code of the side that closed first."""

    _metrics: SocketMetrics
    status: int | None = None
    code: int | None = None
    reason: str = ""
    received: int = 0
    sent: int = 0
    _accepted: float | None = None
    _count_received: "Counter | None" = None
    _count_sent: "Counter | None" = None

    async def receive(self) -> Message:
        message = await self._receive()
        if message["type"] == "websocket.receive":
            self.received += 1
            if self._count_received is not None:
                self._count_received.inc()
        elif message["type"] == "websocket.disconnect":
            self._note_close(message.get("code", ABNORMAL_CLOSURE))  # without the reason, which the client wrote
        return message

    async def send(self, message: Message) -> None:
        kind = message["type"]
        await self._send(message)
        if kind == "websocket.send":
            self.sent += 1
            if self._count_sent is not None:
                self._count_sent.inc()
        elif kind == "websocket.accept":
            self._accept()
        elif kind == "websocket.close":
            self.status = self.status or FORBIDDEN  # servers answer 403 to a handshake that is not accepted
            self._note_close(message.get("code", NORMAL_CLOSURE), message.get("reason") or "")
        elif kind == "websocket.http.response.start":
            self.status = message["status"]

    async def fail(self, error: Exception) -> None:  # noqa: ARG002 -- the same end for every exception
        """Closes the WebSocket, or answers its handshake with 500, unless that is done."""
        if self._accepted is not None:
            if self.code is None:
                await self.send({"type": "websocket.close", "code": INTERNAL_ERROR})
        elif self.status is None and "websocket.http.response" in self.scope.get("extensions", {}):
            await self.send({"type": "websocket.http.response.start", "status": SERVER_ERROR, "headers": []})
            await self.send({"type": "websocket.http.response.body", "body": b""})

    def close(self, route: str) -> float:
        """Counts the WebSocket when the application has returned. Returns its duration in seconds."""
        now = time.perf_counter()
        if self._accepted is None:
            self.status = self.status or SERVER_ERROR
            self._metrics.handshakes.labels(route, str(self.status)).inc()
        else:
            self._metrics.open.labels(route).dec()
            self._metrics.duration.labels(route).observe(now - self._accepted)
        return now - self.started

    def _accept(self) -> None:
        route = route_of(self.scope)
        self.status = SWITCHING_PROTOCOLS
        self._accepted = time.perf_counter()
        self._metrics.handshakes.labels(route, str(self.status)).inc()
        self._metrics.open.labels(route).inc()
        self._count_received = self._metrics.messages.labels(route, "received")
        self._count_sent = self._metrics.messages.labels(route, "sent")

    def _note_close(self, code: int, reason: str = "") -> None:
        if self.code is None:
            self.code, self.reason = code, reason
