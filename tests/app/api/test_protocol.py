"""The server's protocol leaves streamed answers, WebSockets and request headers intact."""

import asyncio
from typing import Any

import pytest

from tests.app.api.serving import connected, serving

pytestmark = pytest.mark.anyio


async def test_trailers_never_become_headers_of_the_request() -> None:
    seen: list[Any] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            await _lifespan(receive, send)
            return
        while (await receive()).get("more_body"):
            pass
        seen.extend(name for name, _ in scope["headers"])
        await _answer(send)

    async with serving(app) as port, connected(port) as connection:
        await connection.send(b"POST / HTTP/1.1\r\nHost: shop\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n")
        await connection.send(b"Authorization: Bearer forged\r\n\r\n")
        await connection.until(b"done")
    assert seen == [b"host", b"transfer-encoding"]


@pytest.mark.parametrize("junk", [b"", b"GET /half"], ids=["quiet", "with half a request behind it"])
async def test_a_streaming_answer_is_not_cut(junk: bytes) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            await _lifespan(receive, send)
            return
        await send({"type": "http.response.start", "status": 200, "headers": []})
        for _ in range(10):
            await asyncio.sleep(0.1)
            await send({"type": "http.response.body", "body": b"event", "more_body": True})
        await send({"type": "http.response.body", "body": b"done"})

    async with serving(app, header_seconds=0.2, body_seconds=0.2) as port, connected(port) as connection:
        await connection.send(b"GET / HTTP/1.1\r\nHost: shop\r\n\r\n" + junk)
        assert (await connection.until(b"done")).count(b"event") == 10


async def test_a_websocket_is_not_cut() -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            await _lifespan(receive, send)
            return
        await receive()
        await send({"type": "websocket.accept"})
        await asyncio.sleep(1)
        await send({"type": "websocket.send", "text": "still here"})
        await send({"type": "websocket.close"})

    upgrade = (
        b"GET /ws HTTP/1.1\r\nHost: shop\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
        b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
    )
    async with serving(app, header_seconds=0.2, body_seconds=0.2) as port, connected(port) as connection:
        await connection.send(upgrade[:60])
        await connection.send(upgrade[60:])
        assert b"still here" in await connection.until(b"still here")


async def _answer(send: Any) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"done"})


async def _lifespan(receive: Any, send: Any) -> None:
    await receive()
    await send({"type": "lifespan.startup.complete"})
    await receive()
    await send({"type": "lifespan.shutdown.complete"})
