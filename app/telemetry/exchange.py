"""One request and its answer, as they pass: what became of it, and under which names it is counted."""

import time
from collections.abc import Callable
from typing import Final

from opentelemetry import trace
from starlette.types import Message, Receive, Scope, Send

from app.telemetry.context import WorkContext

UNMATCHED: Final = "unmatched"
OTHER_METHOD: Final = "OTHER"
CLIENT_CLOSED_REQUEST: Final = 499
SERVER_ERROR: Final = 500
_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT"})


class Exchange:
    """Stands between the server and the application, and looks at each message once."""

    def __init__(
        self, scope: Scope, receive: Receive, send: Send, work: WorkContext, draining: Callable[[], bool]
    ) -> None:
        self.scope = scope
        self.work = work
        self.started = time.perf_counter()
        self.status = SERVER_ERROR
        self._receive = receive
        self._send = send
        self._draining = draining
        self._started_answer = False
        self._complete = False

    async def receive(self) -> Message:
        message = await self._receive()
        if message["type"] == "http.disconnect" and not self._complete:
            self.status = CLIENT_CLOSED_REQUEST
        return message

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self._started_answer = True
            if self.status != CLIENT_CLOSED_REQUEST:
                self.status = message["status"]
            headers = message.setdefault("headers", [])
            headers.append((b"x-request-id", self.work.request_id.encode()))
            if self._draining():  # asked now: the drain may have begun while the answer was made
                headers.append((b"connection", b"close"))
            if self.work.sampled:
                self._name_span()
        elif message["type"] == "http.response.body" and not message.get("more_body", False):
            self._complete = True
        await self._send(message)

    def failed(self) -> None:
        if self._started_answer and not self._complete:
            self.status = SERVER_ERROR

    def method(self) -> str:
        method: str = self.scope["method"]
        return method if method in _METHODS else OTHER_METHOD

    def route(self) -> str:
        """The template, found where routing left it: FastAPI keeps included routers as a tree."""
        effective = self.scope.get("fastapi", {}).get("effective_route_context")
        template = getattr(effective, "path", "") or getattr(self.scope.get("route"), "path", "")
        return f"{self.scope.get('root_path', '')}{template}" if template else UNMATCHED

    def _name_span(self) -> None:
        span = trace.get_current_span()
        if span.is_recording():
            route = self.route()
            span.update_name(f"{self.method()} {route}")
            span.set_attribute("http.route", route)
