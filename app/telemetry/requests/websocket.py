"""One WebSocket, as its messages pass."""

import time
from typing import TYPE_CHECKING, Final

from starlette.types import Message, Receive, Scope, Send

from app.telemetry.metrics.http import SocketMetrics
from app.telemetry.requests.exchange import SERVER_ERROR
from app.telemetry.requests.routes import route_of

if TYPE_CHECKING:
    from prometheus_client import Counter

SWITCHING_PROTOCOLS: Final = 101
FORBIDDEN: Final = 403
INTERNAL_ERROR: Final = 1011  # the codes are RFC 6455's
ABNORMAL: Final = 1006


class Conversation:
    """Stands between the server and the application, and counts each message once.

    `status` answers the handshake and `code` is what the socket was closed with, by whoever closed it first.
    """

    def __init__(self, scope: Scope, receive: Receive, send: Send, metrics: SocketMetrics) -> None:
        self.started = time.perf_counter()
        self.status: int | None = None
        self.code: int | None = None
        self.reason = ""
        self.received = self.sent = 0
        self._scope = scope
        self._receive = receive
        self._send = send
        self._metrics = metrics
        self._accepted: float | None = None
        self._count_received: Counter | None = None
        self._count_sent: Counter | None = None

    async def receive(self) -> Message:
        message = await self._receive()
        if message["type"] == "websocket.receive":
            self.received += 1
            if self._count_received is not None:
                self._count_received.inc()
        elif message["type"] == "websocket.disconnect":
            self._closed(message.get("code", ABNORMAL))  # its reason is the client's own words
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
            self.status = self.status or FORBIDDEN  # which is how a server tells a client that it wasn't accepted
            self._closed(message.get("code", 1000), message.get("reason") or "")
        elif kind == "websocket.http.response.start":
            self.status = message["status"]

    @property
    def seconds(self) -> float:
        """Since the client asked."""
        return time.perf_counter() - self.started

    async def fail(self) -> None:
        """Ends it after an exception that nobody handled, unless it has ended."""
        if self._accepted is not None:
            if self.code is None:
                await self.send({"type": "websocket.close", "code": INTERNAL_ERROR})
        elif self.status is None and "websocket.http.response" in self._scope.get("extensions", {}):
            await self.send({"type": "websocket.http.response.start", "status": SERVER_ERROR, "headers": []})
            await self.send({"type": "websocket.http.response.body", "body": b""})

    def close(self) -> None:
        """The application has returned."""
        route = route_of(self._scope)
        if self._accepted is None:
            self.status = self.status or SERVER_ERROR
            self._metrics.handshakes.labels(route, str(self.status)).inc()
        else:
            self._metrics.open.labels(route).dec()
            self._metrics.duration.labels(route).observe(time.perf_counter() - self._accepted)

    def _accept(self) -> None:
        route = route_of(self._scope)
        self.status = SWITCHING_PROTOCOLS
        self._accepted = time.perf_counter()
        self._metrics.handshakes.labels(route, str(self.status)).inc()
        self._metrics.open.labels(route).inc()
        self._count_received = self._metrics.messages.labels(route, "received")
        self._count_sent = self._metrics.messages.labels(route, "sent")

    def _closed(self, code: int, reason: str = "") -> None:
        if self.code is None:
            self.code, self.reason = code, reason
