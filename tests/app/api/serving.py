"""The API behind the server's own protocol on a real socket, in this process."""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from functools import partial
from typing import Any

import uvicorn
from prometheus_client import CollectorRegistry

from app.processes.api import Binnacle
from app.server.error_responses import Refusals
from app.server.http_protocol import GuardedProtocol
from app.telemetry.metrics import RejectedMetrics


@asynccontextmanager
async def serving(
    app: Any, *, header_seconds: float = 10, body_seconds: float = 20, protocol: Callable[..., Any] | None = None
) -> AsyncIterator[int]:
    """Serves an ASGI application and yields its port; connections use `protocol`, or else the guarded one."""
    rejected = app.rejected if isinstance(app, Binnacle) else RejectedMetrics(CollectorRegistry())
    http = protocol or partial(GuardedProtocol, header_seconds, body_seconds, Refusals(rejected))
    config = uvicorn.Config(
        app,
        http=http,  # type: ignore[arg-type]  # uvicorn calls it, class or not
        lifespan="on",
        log_config=None,
        timeout_keep_alive=30,
        timeout_graceful_shutdown=1,
    )
    server = uvicorn.Server(config)
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        running = asyncio.create_task(server.serve(sockets=[listener]))
        try:
            async with asyncio.timeout(20):
                while not server.started:  # noqa: ASYNC110 -- uvicorn has no event for it
                    await asyncio.sleep(0.01)
            yield int(listener.getsockname()[1])
        finally:
            server.should_exit = True
            await running


class Connection:
    """Raw connection to a server; reads time out after 15 s.

    A plain socket: an asyncio stream discards received data when the peer resets the connection, as a server does that
    closes while bytes still arrive.
    """

    def __init__(self, sock: socket.socket) -> None:
        self._socket = sock
        self._loop = asyncio.get_running_loop()

    async def send(self, data: bytes) -> None:
        await self._loop.sock_sendall(self._socket, data)

    async def until_closed(self) -> bytes:
        return await self.until(None)

    async def until(self, end: bytes | None) -> bytes:
        """Reads up to `end`, or until the server closes."""
        received = b""
        async with asyncio.timeout(15):
            while end is None or end not in received:
                try:
                    piece = await self._loop.sock_recv(self._socket, 65536)
                except ConnectionResetError:
                    piece = b""
                if not piece:
                    break
                received += piece
        return received

    async def send_slowly(self, data: bytes, pause: float) -> bytes:
        """Sends one byte at a time until the server closes, and returns what it sent."""
        closed = asyncio.create_task(self.until_closed())
        for byte in data:
            if closed.done():
                break
            with suppress(ConnectionResetError, BrokenPipeError):
                await self.send(bytes([byte]))
            await asyncio.wait([closed], timeout=pause)
        return await closed


@asynccontextmanager
async def connected(port: int) -> AsyncIterator[Connection]:
    with socket.socket() as sock:
        sock.setblocking(False)  # noqa: FBT003 -- signature of socket
        await asyncio.get_running_loop().sock_connect(sock, ("127.0.0.1", port))
        yield Connection(sock)
