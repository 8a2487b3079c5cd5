"""Breaks off a connection, which ASGI has no message for."""

from typing import TYPE_CHECKING, Final, NoReturn

from fastapi import Request
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Receive, Scope, Send

if TYPE_CHECKING:
    import asyncio

_TRANSPORT: Final = "sandbox.transport"


class ConnectionLayer:
    """Outermost layer: keeps uvicorn's transport where `break_off` finds it."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        # uvicorn's `send` is a method of its request, in both of its HTTP implementations.
        scope[_TRANSPORT] = getattr(getattr(send, "__self__", None), "transport", None)
        await self._app(scope, receive, send)


async def break_off(request: Request) -> NoReturn:
    """Ends the request without an answer, and its connection with it.

    Raises ClientDisconnect; without a real server nobody can be cut off, and the caller gets a 500 for it.
    """
    transport: asyncio.Transport | None = request.scope[_TRANSPORT]
    if transport is not None:
        transport.abort()
        while (await request.receive())["type"] != "http.disconnect":
            pass
    raise ClientDisconnect
