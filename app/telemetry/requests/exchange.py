"""One request and its answer, as they pass: what becomes of it, and when."""

import time
from collections.abc import Awaitable, Callable
from typing import Final

from starlette.types import Message, Receive, Scope, Send

from app.telemetry.context import WorkContext

CLIENT_CLOSED_REQUEST: Final = 499
SERVER_ERROR: Final = 500
_EVENT_STREAM: Final = b"text/event-stream"


class Exchange:
    """Stands between the server and the application, and looks at each message once.

    `started`, `began` (the first byte of the answer) and `ended` (its last) are read from one clock, in seconds.
    """

    # On the class, since most requests change few of them.
    status = SERVER_ERROR  # as it is counted
    answered: int | None = None  # as it was sent
    error: Exception | None = None
    began: float | None = None
    ended = 0.0
    complete = False
    is_event_stream = False

    def __init__(
        self, scope: Scope, receive: Receive, send: Send, work: WorkContext, draining: Callable[[], bool]
    ) -> None:
        self.started = time.perf_counter()
        self.scope = scope
        self.work = work
        self._receive = receive
        self._send = send
        self._draining = draining

    async def receive(self) -> Message:
        message = await self._receive()
        if message["type"] == "http.disconnect" and not self.complete:
            self.status = CLIENT_CLOSED_REQUEST
        return message

    def send(self, message: Message) -> Awaitable[None]:
        """No coroutine of its own where nothing is to be done afterwards: each costs a request a microsecond."""
        kind = message["type"]
        if kind == "http.response.start":
            status = self.answered = message["status"]
            if self.status != CLIENT_CLOSED_REQUEST:
                self.status = status
            headers = message.setdefault("headers", [])
            for name, value in headers:
                if name == b"content-type":
                    self.is_event_stream = value.startswith(_EVENT_STREAM)
                    break
            headers.append((b"x-request-id", self.work.request_id.encode()))
            if self._draining():  # asked now: the drain may have begun while the answer was made
                headers.append((b"connection", b"close"))
            self.began = time.perf_counter()
        elif kind == "http.response.body" and not message.get("more_body", False):
            return self._end(message)
        return self._send(message)

    def left(self) -> None:
        """The client did, and the application saw it."""
        self.status = CLIENT_CLOSED_REQUEST

    def failed(self, error: Exception) -> None:
        """The application did; whoever read the beginning of an answer won't get the rest."""
        self.error = error
        if self.began is not None and not self.complete and self.status != CLIENT_CLOSED_REQUEST:
            self.status = SERVER_ERROR

    def close(self) -> float:
        """The application has returned: the seconds until its last byte. What it did after that is not the answer's."""
        if not self.complete:
            self.ended = time.perf_counter()
        return self.ended - self.started

    async def _end(self, message: Message) -> None:
        # Whoever reads no body isn't told that the client has left; uvicorn knows, and drops what is sent.
        if getattr(getattr(self._receive, "__self__", None), "disconnected", False):
            self.status = CLIENT_CLOSED_REQUEST
        await self._send(message)
        self.ended = time.perf_counter()
        self.complete = True
