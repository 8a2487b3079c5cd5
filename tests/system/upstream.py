"""Upstream server for tests of nginx: returns request headers, streams until released, and echoes."""

import asyncio
import json
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]


class Upstream:
    """An ASGI application for one worker process."""

    def __init__(self) -> None:
        self._released = asyncio.Event()

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._lifespan(receive, send)
        elif scope["type"] == "websocket":
            await self._echo(receive, send)
        elif scope["path"].endswith("/events"):
            await self._stream(send)
        else:
            if scope["path"] == "/release":
                self._released.set()
            await self._return_headers(scope, send)

    async def _lifespan(self, receive: Receive, send: Send) -> None:
        while True:
            message = await receive()
            await send({"type": f"{message['type']}.complete"})
            if message["type"] == "lifespan.shutdown":
                return

    async def _echo(self, receive: Receive, send: Send) -> None:
        while True:
            message = await receive()
            if message["type"] == "websocket.connect":
                await send({"type": "websocket.accept"})
            elif message["type"] == "websocket.receive":
                await send({"type": "websocket.send", "text": message["text"]})
            else:
                return

    async def _stream(self, send: Send) -> None:
        """Sends one event, and the next after a request for /release."""
        headers = [(b"content-type", b"text/event-stream")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b"data: first\n\n", "more_body": True})
        await self._released.wait()
        await send({"type": "http.response.body", "body": b"data: second\n\n"})

    async def _return_headers(self, scope: MutableMapping[str, Any], send: Send) -> None:
        arrived = {name.decode(): value.decode("latin-1") for name, value in scope["headers"]}
        headers = [(b"content-type", b"application/json")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": json.dumps(arrived).encode()})


def create() -> Upstream:
    return Upstream()
