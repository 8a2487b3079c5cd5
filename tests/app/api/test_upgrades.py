"""Upgrade requests: only a WebSocket handshake switches protocols; all others are served as HTTP/1.1."""

import asyncio
import json
import shutil
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import CollectorRegistry

from app.processes.api import create_app
from app.settings import read
from tests.app.api.serving import connected, serving

pytestmark = pytest.mark.anyio
H2C = b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAEAAEAAAAIAAAABAAMAAABkAAQBAAAA\r\n"
WEBSOCKET = b"Connection: Upgrade\r\nUpgrade: websocket\r\n"
KEY = b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"
VERSION = b"Sec-WebSocket-Version: 13\r\n"
CLOSE = b"GET / HTTP/1.1\r\nHost: shop\r\nConnection: close\r\n\r\n"


@pytest.fixture(params=[False, True], ids=["asyncio", "uvloop"])
def anyio_backend(request: pytest.FixtureRequest) -> tuple[str, dict[str, bool]]:
    return "asyncio", {"use_uvloop": request.param}


async def echo(scope: Any, receive: Any, send: Any) -> None:
    """Answers with the method, the body's length and content, and the names of the header fields."""
    if scope["type"] == "lifespan":
        for phase in ("startup", "shutdown"):
            await receive()
            await send({"type": f"lifespan.{phase}.complete"})
        return
    body, more = b"", True
    while more:
        message = await receive()
        body, more = body + message["body"], message.get("more_body", False)
    names = b",".join(name for name, _ in scope["headers"])
    answer = b"%s %d [%s] %s" % (scope["method"].encode(), len(body), body[:10], names)
    fields = [(b"content-length", b"%d" % len(answer))]
    await send({"type": "http.response.start", "status": 200, "headers": fields})
    await send({"type": "http.response.body", "body": answer})


def post(fields: bytes, body: bytes) -> bytes:
    return b"POST /orders HTTP/1.1\r\nHost: shop\r\n%sContent-Length: %d\r\n\r\n%s" % (fields, len(body), body)


@pytest.mark.parametrize("asked", [H2C, WEBSOCKET, WEBSOCKET + KEY + VERSION], ids=["h2c", "websocket", "handshake"])
@pytest.mark.parametrize("size", [5, 300_000])
async def test_a_post_with_an_upgrade_header_keeps_its_body(asked: bytes, size: int) -> None:
    async with serving(echo) as port, connected(port) as connection:
        await connection.send(post(asked, b"x" * size) + CLOSE)
        answers = await connection.until_closed()
    assert b"POST %d [%s]" % (size, b"x" * min(size, 10)) in answers
    assert b"upgrade," not in answers
    assert b"GET 0 []" in answers, "the connection serves the next request too"


async def test_a_body_may_arrive_in_chunks_and_in_several_packets() -> None:
    head = b"POST / HTTP/1.1\r\nHost: shop\r\n" + H2C + b"Transfer-Encoding: chunked\r\n\r\n"
    async with serving(echo) as port, connected(port) as connection:
        for byte in head + b"5\r\nhello\r\n":
            await connection.send(bytes([byte]))
        await connection.send(b"0\r\n\r\n" + CLOSE)
        answers = await connection.until_closed()
    assert b"POST 5 [hello]" in answers
    assert b"GET 0 []" in answers


async def test_pipelined_upgrade_requests_are_all_answered() -> None:
    async with serving(echo) as port, connected(port) as connection:
        await connection.send(post(H2C, b"first") + post(H2C, b"second") + CLOSE)
        answers = await connection.until_closed()
    assert [answers.count(text) for text in (b"[first]", b"[second]", b"GET 0 []")] == [1, 1, 1]


async def test_a_client_that_waits_for_100_continue_gets_it_once() -> None:
    head, _, body = post(H2C + b"Expect: 100-continue\r\n", b"hello").partition(b"\r\n\r\n")
    async with serving(echo) as port, connected(port) as connection:
        await connection.send(head + b"\r\n\r\n")
        assert await connection.until(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
        await connection.send(body + CLOSE)
        answers = await connection.until_closed()
    assert b"POST 5 [hello]" in answers
    assert b"100 Continue" not in answers


async def test_connect_is_refused_and_closed() -> None:
    async with serving(echo) as port, connected(port) as connection:
        await connection.send(b"CONNECT shop:443 HTTP/1.1\r\nHost: shop\r\n" + H2C + b"\r\n")
        assert (await connection.until_closed()).startswith(b"HTTP/1.1 400 ")


async def test_a_handshake_pipelined_behind_a_stream_does_not_take_over_its_connection() -> None:
    release = asyncio.Event()

    async def streaming(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http" or scope["path"] != "/stream":
            await echo(scope, receive, send)
            return
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"begun", "more_body": True})
        await release.wait()
        await send({"type": "http.response.body", "body": b"ended"})

    handshake = b"GET /ws HTTP/1.1\r\nHost: shop\r\n" + WEBSOCKET + KEY + VERSION + b"\r\n"
    async with serving(streaming) as port, connected(port) as connection:
        await connection.send(b"GET /stream HTTP/1.1\r\nHost: shop\r\n\r\n" + handshake + CLOSE)
        await connection.until(b"begun")
        release.set()
        answers = await connection.until_closed()
    assert b"ended" in answers
    assert answers.count(b"GET 0 []") == 2


NO_HANDSHAKES = {
    "none": b"",
    "bare": WEBSOCKET,
    "no version": WEBSOCKET + KEY,
    "an old version": WEBSOCKET + KEY + b"Sec-WebSocket-Version: 8\r\n",
    "a short key": WEBSOCKET + VERSION + b"Sec-WebSocket-Key: short\r\n",
    "no base64": WEBSOCKET + VERSION + b"Sec-WebSocket-Key: \xe9\r\n",
    "two keys": WEBSOCKET + VERSION + KEY + KEY,
}


@dataclass(frozen=True, slots=True)
class Shop:
    """The API behind the server's protocol."""

    port: int
    registry: CollectorRegistry


@pytest.fixture
async def shop(tmp_path: Path, migrated_sqlite: Path) -> AsyncIterator[Shop]:
    state = shutil.copytree(migrated_sqlite, tmp_path / "state")
    binnacle = create_app(read(state_dir=state, _env_file=None))
    async with serving(binnacle) as port:
        yield Shop(port, binnacle.telemetry.registry)


async def test_a_get_without_a_valid_handshake_gets_426(shop: Shop) -> None:
    for case, fields in NO_HANDSHAKES.items():
        async with connected(shop.port) as connection:
            await connection.send(b"GET /ws/orders/1 HTTP/1.1\r\nHost: shop\r\n" + fields + b"\r\n")
            head, _, body = (await connection.until(b"}")).partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 426 "), case
        head_lines = {line.lower() for line in head.split(b"\r\n")}
        assert {b"upgrade: websocket", b"connection: upgrade", b"sec-websocket-version: 13"} <= head_lines
        problem = json.loads(body)
        assert problem["code"] == "upgrade_required"
        assert problem["instance"] == "/ws/orders/1"


async def test_a_post_to_a_websocket_is_answered_and_counted(shop: Shop) -> None:
    async with connected(shop.port) as connection:
        await connection.send(b"POST /ws/orders/1 HTTP/1.1\r\nHost: shop\r\n" + WEBSOCKET + KEY + VERSION + b"\r\n")
        head = await connection.until(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 405 ")
    assert b"allow: GET" in head
    counted = {"method": "POST", "route": "/ws/orders/{order_id}", "status": "405"}
    async with asyncio.timeout(15):
        while shop.registry.get_sample_value("http_requests_total", counted) != 1:  # noqa: ASYNC110 -- no event for it
            await asyncio.sleep(0.01)
