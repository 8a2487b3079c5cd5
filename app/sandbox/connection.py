"""Aborts a connection without a response, for which ASGI has no message."""

from typing import TYPE_CHECKING, Final, NoReturn

from fastapi import Request
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Receive, Scope, Send

if TYPE_CHECKING:
    import asyncio

_TRANSPORT: Final = "sandbox.transport"


class ConnectionLayer:
    """Outermost middleware: stores uvicorn's transport in the scope for `break_off`."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        # uvicorn's `send` is a method of its request, in both of its HTTP implementations.
        scope[_TRANSPORT] = getattr(getattr(send, "__self__", None), "transport", None)
        await self._app(scope, receive, send)


async def break_off(request: Request) -> NoReturn:
    """Ends the request by aborting its connection, without a response.

    Always raises ClientDisconnect; without a real server, this becomes a 500.
    """
    transport: asyncio.Transport | None = request.scope[_TRANSPORT]
    if transport is not None:
        transport.abort()
        while (await request.receive())["type"] != "http.disconnect":
            pass
    raise ClientDisconnect
