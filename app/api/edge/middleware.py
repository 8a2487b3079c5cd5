"""Middleware of the edge."""

import time
from collections.abc import Sequence
from http import HTTPStatus

from fastapi import FastAPI
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.api import problems
from app.api.edge import guards
from app.api.edge.allowed_hosts import Hosts
from app.api.edge.body_timeout import BodyDeadline, has_body
from app.api.edge.cors import Cors
from app.api.edge.rate_limits import RateLimits
from app.api.edge.response_headers import ResponseHeaders
from app.settings import Settings
from app.telemetry.traces.tracing import record_exception


def install(app: FastAPI, settings: Settings, rates: RateLimits, *, largest_body: int) -> None:
    """Adds the middleware. Call it last, since middleware that is added later is further outside."""
    checks = (
        Hosts(settings.allowed_hosts),
        guards.uri_size,
        guards.header_sizes,
        guards.repeated_fields,
        guards.body_size(largest_body),
        guards.encoded_body,
    )
    app.add_middleware(GuardLayer, checks=checks, rates=rates, body_seconds=settings.request_body_seconds)
    if settings.root_path:
        app.add_middleware(Prefix, root_path=settings.root_path)
    if settings.cors_origins:
        app.add_middleware(Cors, origins=settings.cors_origins)
    app.add_middleware(HeaderLayer, headers=ResponseHeaders(encrypted=settings.environment == "production"))


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


class Prefix:
    """Prepends the prefix that a proxy strips from requests to paths in `Location`."""

    def __init__(self, app: ASGIApp, root_path: str) -> None:
        self._app = app
        self._prefix = root_path.encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_prefixed(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [self._prefixed(name, value) for name, value in message.get("headers", ())]
            await send(message)

        await self._app(scope, receive, send_prefixed if scope["type"] == "http" else send)

    def _prefixed(self, name: bytes, value: bytes) -> tuple[bytes, bytes]:
        is_path = name.lower() == b"location" and value.startswith(b"/") and not value.startswith(b"//")
        return name, self._prefix + value if is_path else value


class GuardLayer:
    """Calls the guards in order, then the rate limits; responds with the first refusal."""

    def __init__(self, app: ASGIApp, checks: Sequence[guards.Guard], rates: RateLimits, body_seconds: float) -> None:
        self._app = app
        self._checks = checks
        self._rates = rates
        self._body_seconds = body_seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        fields = dict(scope["headers"])
        headers: Sequence[tuple[bytes, bytes]] = ()
        refusal = next(filter(None, (check(scope, fields) for check in self._checks)), None)
        if refusal is None:
            headers, refusal = await self._rates.count(scope)
        if scope["type"] == "websocket":
            await (self._app(scope, receive, send) if refusal is None else _hang_up(receive, send))
            return
        begun = False

        async def send_counted(message: Message) -> None:
            nonlocal begun
            if message["type"] == "http.response.start":
                begun = True
                message.setdefault("headers", []).extend(headers)
            await send(message)

        if refusal is not None:
            answer = problems.answer(
                Request(scope), refusal.status, refusal.code, refusal.detail, headers=refusal.headers
            )
            await answer(scope, receive, send_counted)
            return
        if has_body(fields):
            receive = BodyDeadline(scope, receive, self._body_seconds)
        try:
            await self._app(scope, receive, send_counted)
        except Exception as error:
            # Here instead of in Starlette's outermost layer, whose response would lack the headers of the edge.
            if not begun:
                record_exception(error)  # first: the span ends with the response
                answer = await problems.unexpected(Request(scope), error)
                await answer(scope, receive, send_counted)
            raise


async def _hang_up(receive: Receive, send: Send) -> None:
    """Closes a WebSocket before it is accepted; the server responds with 403."""
    await receive()
    await send({"type": "websocket.close", "code": 1008, "reason": HTTPStatus.FORBIDDEN.phrase})
