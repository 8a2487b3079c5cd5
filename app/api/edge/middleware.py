"""Middleware that applies the guards and the response headers."""

import time
from collections.abc import Sequence
from http import HTTPStatus

from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.api import problems
from app.api.edge.body_timeout import BodyDeadline, has_body
from app.api.edge.rate_limits import RateLimits
from app.api.edge.refusal import Guard, Refusal
from app.api.edge.response_headers import ResponseHeaders
from app.telemetry.traces.tracing import record_exception


class HeaderLayer:
    """Outermost middleware: adds the response headers to refusals and errors as well."""

    def __init__(self, app: ASGIApp, headers: ResponseHeaders) -> None:
        self._app = app
        self._headers = headers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = time.perf_counter()

        async def finish(message: Message) -> None:
            if message["type"] == "http.response.start":
                self._headers.append(message, scope, started)
            await send(message)

        await self._app(scope, receive, finish)


class GuardLayer:
    """Calls the guards in order, then the rate limits; responds with the first refusal."""

    def __init__(self, app: ASGIApp, guards: Sequence[Guard], rates: RateLimits, body_seconds: float) -> None:
        self._app = app
        self._guards = guards
        self._rates = rates
        self._body_seconds = body_seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        fields = dict(scope["headers"])
        refusal, counted = None, None
        for guard in self._guards:
            if refusal is None:
                refusal = guard.refuse(scope, fields)
        if refusal is None:
            counted = await self._rates.count(scope)
            refusal = counted.refusal if counted is not None else None
        if scope["type"] == "websocket":
            await (self._app(scope, receive, send) if refusal is None else _hang_up(receive, send))
            return
        answer = _Answer(send, counted.headers if counted is not None else ())
        if refusal is not None:
            await _refuse(scope, receive, answer.send, refusal)
            return
        if has_body(fields):
            receive = BodyDeadline(scope, receive, self._body_seconds)
        try:
            await self._app(scope, receive, answer.send)
        except Exception as error:
            # Here instead of in Starlette's outermost layer, whose response would lack the headers of the edge.
            if not answer.begun:
                record_exception(error)  # first: the span ends with the response
                await problems.unexpected(Request(scope))(scope, receive, answer.send)
            raise


class _Answer:
    """Appends headers to the start of a response, and records whether it has begun."""

    def __init__(self, send: Send, headers: Sequence[tuple[bytes, bytes]]) -> None:
        self._send = send
        self._headers = headers
        self.begun = False

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.begun = True
            message.setdefault("headers", []).extend(self._headers)
        await self._send(message)


async def _refuse(scope: Scope, receive: Receive, send: Send, refusal: Refusal) -> None:
    response = problems.answer(Request(scope), refusal.status, refusal.code, refusal.detail, headers=refusal.headers)
    await response(scope, receive, send)


async def _hang_up(receive: Receive, send: Send) -> None:
    """Closes a WebSocket before it is accepted; the server responds with 403."""
    await receive()
    await send({"type": "websocket.close", "code": 1008, "reason": HTTPStatus.FORBIDDEN.phrase})
