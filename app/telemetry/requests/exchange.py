"""HTTP request and response as their messages pass."""

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Final

from starlette.requests import ClientDisconnect
from starlette.types import Message, Receive, Scope, Send

from app.telemetry.context import WorkContext
from app.telemetry.metrics import HttpMetrics
from app.telemetry.requests.routes import method_of

CLIENT_CLOSED_REQUEST: Final = 499
SERVER_ERROR: Final = 500
_EVENT_STREAM: Final = b"text/event-stream"


@dataclass(slots=True, eq=False)
class Exchange:
    """Messages between server and application. `started` is in seconds of `time.perf_counter()`."""

    scope: Scope
    _receive: Receive
    _send: Send
    work: WorkContext
    started: float = field(default_factory=time.perf_counter, init=False)


@dataclass(slots=True, eq=False)
class HttpExchange(Exchange):
    """One request and its response.

    `status` is the one that is counted: 499 when the client left, 500 when the response broke off. `began` and `ended`
    are the times of the response's first and last message.
    """

    _metrics: HttpMetrics
    _draining: Callable[[], bool]
    status: int = SERVER_ERROR
    began: float | None = None
    ended: float | None = None
    method: str = ""
    _is_event_stream: bool = False

    def __post_init__(self) -> None:
        self.method = method_of(self.scope)
        self._metrics.began()

    async def receive(self) -> Message:
        message = await self._receive()
        if message["type"] == "http.disconnect" and self.ended is None:
            self.status = CLIENT_CLOSED_REQUEST
        return message

    def send(self, message: Message) -> Awaitable[None]:
        if message["type"] == "http.response.body":
            return self._send(message) if message.get("more_body") else self._send_last(message)
        if message["type"] == "http.response.start":
            if self.status != CLIENT_CLOSED_REQUEST:
                self.status = message["status"]
            headers = message.setdefault("headers", [])
            for name, value in headers:
                if name == b"content-type":
                    self._is_event_stream = value.startswith(_EVENT_STREAM)
                    break
            headers.append((b"x-request-id", self.work.request_id.encode()))
            if self._draining():  # a kept connection would be cut at the end of the drain
                headers.append((b"connection", b"close"))
            self.began = time.perf_counter()
        return self._send(message)

    async def fail(self, error: Exception) -> None:
        """Corrects the status when the client left or the response broke off."""
        if isinstance(error, ClientDisconnect):
            self.status = CLIENT_CLOSED_REQUEST
        elif self.began is not None and self.ended is None and self.status != CLIENT_CLOSED_REQUEST:
            self.status = SERVER_ERROR

    def close(self, route: str) -> float:
        """Counts the request when the application has returned. Returns the seconds until its last byte."""
        ended = self.ended or time.perf_counter()
        seconds = ended - self.started
        # The caller of an event stream waits for its beginning.
        waited = self.began - self.started if self._is_event_stream and self.began is not None else seconds
        trace_id = self.work.trace_id if self.work.sampled else None
        self._metrics.answered(self.method, route, self.status, waited, trace_id, ended)
        return seconds

    async def _send_last(self, message: Message) -> None:
        # uvicorn has detected that the client left, which only an application that reads learns itself.
        if getattr(getattr(self._receive, "__self__", None), "disconnected", False):
            self.status = CLIENT_CLOSED_REQUEST
        await self._send(message)
        self.ended = time.perf_counter()
