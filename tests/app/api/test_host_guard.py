"""Requests need exactly one Host, and one that is allowed."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest

from app.processes.api import Binnacle, create_app
from app.settings import read

pytestmark = pytest.mark.anyio


@asynccontextmanager
async def _client(tmp_path: Path, *hosts: str) -> AsyncIterator[Binnacle]:
    settings = read(state_dir=tmp_path, allowed_hosts=list(hosts), _env_file=None)
    binnacle = create_app(settings)
    async with binnacle.app.router.lifespan_context(binnacle.app):
        yield binnacle


async def _status(binnacle: Binnacle, *hosts: bytes, path: str = "/nothing") -> int:
    """The status for a request with these Host headers, some of which no HTTP client would send."""
    sent: list[Any] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "root_path": "",
        "headers": [(b"host", host) for host in hosts],
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 80),
    }
    await binnacle(scope, receive, send)
    start = sent[0]
    assert int(start["status"]) == 200 or (b"content-type", b"application/problem+json") in start["headers"]
    return int(start["status"])


async def test_only_allowed_hosts_are_served(tmp_path: Path) -> None:
    async with _client(tmp_path, "shop.example.com", "*.internal.example.com") as binnacle:
        for ours in (
            b"shop.example.com",
            b"SHOP.example.com:8000",
            b"a.internal.example.com",
            b"a.b.internal.example.com",
        ):
            assert await _status(binnacle, ours) == 404, ours
        foreign = (
            b"evil.example.com",
            b"shop.example.com.evil.org",
            b"xshop.example.com",
            b"internal.example.com",
            b"xinternal.example.com",
            b"",
            b"\xff",
            b"[",
            b"a/b",
        )
        for host in foreign:
            assert await _status(binnacle, host) == 400, host


@pytest.mark.parametrize("allowed", ["*", "shop.example.com"])
async def test_a_missing_and_a_repeated_host_are_refused_whatever_is_allowed(tmp_path: Path, allowed: str) -> None:
    async with _client(tmp_path, allowed) as binnacle:
        assert await _status(binnacle) == 400
        assert await _status(binnacle, b"shop.example.com", b"shop.example.com") == 400
        assert await _status(binnacle, b"shop.example.com") == 404


async def test_malformed_hosts_fail_nothing_where_any_is_allowed(tmp_path: Path) -> None:
    async with _client(tmp_path, "*") as binnacle:
        for host in (b"[", b"]", b"a/b?c#d", b"\xff", b"a:b:c", b"@", b" ", b"", b"x" * 10_000):
            assert await _status(binnacle, host) in (400, 404), host


async def test_probes_by_ip_address_are_answered(tmp_path: Path) -> None:
    async with _client(tmp_path, "shop.example.com") as binnacle:
        for path in ("/livez", "/startupz", "/version"):
            assert await _status(binnacle, b"10.0.0.7:8000", path=path) == 200
            assert await _status(binnacle, path=path) == 200
        for path in ("/health", "/docs", "/openapi.json", "/api/v1/items"):
            assert await _status(binnacle, b"10.0.0.7:8000", path=path) == 400


async def test_websockets_are_checked_too(tmp_path: Path) -> None:
    async def opened(binnacle: Binnacle, host: bytes) -> list[Any]:
        sent: list[Any] = []

        async def receive() -> dict[str, Any]:
            return {"type": "websocket.connect"}

        async def send(message: Any) -> None:
            sent.append(message)

        scope = {
            "type": "websocket",
            "path": "/ws/nothing",
            "raw_path": b"/ws/nothing",
            "query_string": b"",
            "root_path": "",
            "scheme": "ws",
            "headers": [(b"host", host)],
            "subprotocols": [],
            "client": ("127.0.0.1", 1),
        }
        await binnacle(scope, receive, send)
        return sent

    async with _client(tmp_path, "shop.example.com") as binnacle:
        refused = await opened(binnacle, b"evil.example.com")
        assert [(message["type"], message["code"]) for message in refused] == [("websocket.close", 1008)]
        unmatched = await opened(binnacle, b"shop.example.com")
        assert [(message["type"], message["code"]) for message in unmatched] == [("websocket.close", 1000)]


async def test_a_refusal_says_what_to_do(tmp_path: Path) -> None:
    async with _client(tmp_path, "shop.example.com") as binnacle:
        transport = httpx2.ASGITransport(app=binnacle)
        async with httpx2.AsyncClient(transport=transport, base_url="http://evil.example.com") as client:
            answer = await client.get("/api/v1/items")
    assert (answer.status_code, answer.json()["code"]) == (400, "unknown_host")
    assert "Host" in answer.json()["detail"]
