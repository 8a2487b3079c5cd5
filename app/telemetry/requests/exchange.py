"""HTTP request and response as their messages pass."""

import time
from collections.abc import Callable
from typing import Final

from starlette.requests import ClientDisconnect
from starlette.types import Message, Receive, Scope, Send

from app.telemetry.context import WorkContext
from app.telemetry.metrics import HttpMetrics
from app.telemetry.requests.routes import method_of

CLIENT_CLOSED_REQUEST: Final = 499
SERVER_ERROR: Final = 500
_EVENT_STREAM: Final = b"text/event-stream"


class Exchange:
    """Messages between server and application. `started` is in seconds of `time.perf_counter()`."""

    def __init__(self, scope: Scope, receive: Receive, send: Send, work: WorkContext) -> None:
        self.started = time.perf_counter()
        self.scope = scope
        self.work = work
        self._receive = receive
        self._send = send


class HttpExchange(Exchange):
    """One request and its response.

    `status` is the one that is counted: 499 when the client left, 500 when the response broke off. `began` and `ended`
    are the times of the response's first and last message.
    """

    def __init__(
        self,
        scope: Scope,
        receive: Receive,
        send: Send,
        work: WorkContext,
        metrics: HttpMetrics,
        draining: Callable[[], bool],
    ) -> None:
        super().__init__(scope, receive, send, work)
        self.status = SERVER_ERROR
        self.began: float | None = None
        self.ended: float | None = None
        self._metrics = metrics
        self._draining = draining
        self._is_event_stream = False
        metrics.began()

    async def receive(self) -> Message:
        message = await self._receive()
        if message["type"] == "http.disconnect" and self.ended is None:
            self.status = CLIENT_CLOSED_REQUEST
        return message

    async def send(self, message: Message) -> None:
        is_last = message["type"] == "http.response.body" and not message.get("more_body", False)
        if message["type"] == "http.response.start":
            self._start(message)
        elif is_last and _is_disconnected(self._receive):
            self.status = CLIENT_CLOSED_REQUEST
        await self._send(message)
        if is_last:
            self.ended = time.perf_counter()

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
        self._metrics.answered(method_of(self.scope), route, self.status, waited, trace_id, ended)
        return seconds

    def _start(self, message: Message) -> None:
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


def _is_disconnected(receive: Receive) -> bool:
    """Tests whether uvicorn has detected that the client left, which only an application that reads learns itself."""
    return getattr(getattr(receive, "__self__", None), "disconnected", False)
