"""An overloaded process refuses requests immediately, keeps connections open and completes started requests."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import pytest
from prometheus_client import CollectorRegistry

from app.api.edge.response_headers import ResponseHeaders
from app.processes.api import create_app
from app.server.admission import Admission
from app.server.error_responses import Refusals
from app.server.shedding import Shedding
from app.server.shedding_protocol import SheddingProtocol, shedding
from app.settings import Settings
from app.telemetry.metrics import HttpMetrics, RejectedMetrics
from tests.app.api.serving import Connection, connected, serving
from tests.support.recorded_telemetry import recorded_logs

pytestmark = pytest.mark.anyio
ORIGINS = ["https://shop.example.com"]
GET = b"GET /items HTTP/1.1\r\nHost: shop\r\n\r\n"
HANDSHAKE = (
    b"GET /ws HTTP/1.1\r\nHost: shop\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
)


@dataclass(slots=True)
class Server:
    """Server with a request limit, whose application answers once it is released."""

    limit: int
    registry: CollectorRegistry = field(default_factory=CollectorRegistry)
    go: asyncio.Event = field(default_factory=asyncio.Event)
    begun: asyncio.Queue[str] = field(default_factory=asyncio.Queue)
    draining: bool = False
    admission: Admission = field(init=False)
    port: int = 0

    @asynccontextmanager
    async def serve(self) -> AsyncIterator["Server"]:
        metrics = HttpMetrics(self.registry)
        self.admission = Admission(self.limit, metrics)
        refusals = Shedding(self.admission, metrics, ResponseHeaders(encrypted=True), ORIGINS, log_seconds=0.01)
        rejected = Refusals(RejectedMetrics(self.registry))
        protocol = partial(SheddingProtocol, self.admission, refusals, lambda: self.draining, 10, 20, rejected)
        async with serving(self, protocol=protocol) as self.port:
            yield self
            self.go.set()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            for kind in ("startup", "shutdown"):
                await receive()
                await send({"type": f"lifespan.{kind}.complete"})
            return
        await self.begun.put(scope["path"])
        if scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.accept"})
            await receive()
            return
        if scope["method"] == "POST":
            while (await receive()).get("more_body"):
                pass
        if scope["path"] in ("/items", "/left"):
            await self.go.wait()
        await send({"type": "http.response.start", "status": 200, "headers": []})
        if scope["path"] == "/events":
            await send({"type": "http.response.body", "body": b"event", "more_body": True})
            await self.go.wait()
        await send({"type": "http.response.body", "body": b"done"})

    def count(self, method: str) -> float:
        return (
            self.registry.get_sample_value(
                "http_requests_total", {"method": method, "route": "overloaded", "status": "503"}
            )
            or 0.0
        )


@asynccontextmanager
async def full(limit: int = 1) -> AsyncIterator[Server]:
    """A server with as many requests in progress as its limit allows."""
    async with Server(limit).serve() as server, asyncio.timeout(20), connections(server, limit) as busy:
        for connection in busy:
            await connection.send(GET)
            await server.begun.get()
        assert not server.admission.admits("GET")
        yield server


@asynccontextmanager
async def connections(server: Server, count: int) -> AsyncIterator[list[Connection]]:
    if count == 0:
        yield []
        return
    async with connected(server.port) as one, connections(server, count - 1) as others:
        yield [one, *others]


async def refusal(connection: Connection) -> tuple[dict[str, str], dict[str, Any]]:
    """Headers and problem of the next refusal."""
    received = await connection.until(b"}")
    head, _, body = received.partition(b"\r\n\r\n")
    status, *lines = head.decode().split("\r\n")
    assert status == "HTTP/1.1 503 Service Unavailable"
    headers = dict(line.split(": ", 1) for line in lines)
    assert int(headers["content-length"]) == len(body)
    return headers, json.loads(body)


async def test_requests_beyond_the_limit_are_refused_before_the_application_sees_them() -> None:
    async with full(limit=3) as server, connected(server.port) as connection:
        await connection.send(b"GET /items?page=2 HTTP/1.1\r\nHost: shop\r\nX-Request-ID: mine\r\n\r\n")
        headers, problem = await refusal(connection)
        assert server.begun.empty()
    assert headers["content-type"] == "application/problem+json"
    assert headers["retry-after"] in {"1", "2", "3"}
    assert (headers["x-request-id"], headers["cache-control"]) == ("mine", "no-store")
    assert "strict-transport-security" in headers
    assert "connection" not in headers
    assert (problem["status"], problem["code"], problem["request_id"]) == (503, "overloaded", "mine")
    assert problem["instance"] == "/items"


@pytest.mark.parametrize("origin", ["https://shop.example.com", "https://other.example.com", "null"])
async def test_a_page_of_an_allowed_origin_can_read_a_refusal_and_retry_after(origin: str) -> None:
    async with full() as server, connected(server.port) as connection:
        await connection.send(f"GET /items HTTP/1.1\r\nHost: shop\r\nOrigin: {origin}\r\n\r\n".encode())
        headers, _ = await refusal(connection)
    allowed = origin in ORIGINS
    assert headers.get("access-control-allow-origin") == (origin if allowed else None)
    assert ("Retry-After" in headers.get("access-control-expose-headers", "")) == allowed


async def test_a_refused_connection_is_kept_and_served_once_there_is_capacity() -> None:
    async with full() as server, connected(server.port) as connection:
        for _ in range(2):
            await connection.send(GET)
            await refusal(connection)
        server.go.set()
        await _until_free(server)
        await connection.send(GET)
        assert b"done" in await connection.until(b"done")


async def test_the_body_of_a_refused_request_is_not_parsed_as_the_next_request() -> None:
    async with full() as server, connected(server.port) as connection:
        await connection.send(b"POST /items HTTP/1.1\r\nHost: shop\r\nContent-Length: 30\r\n\r\n" + b"GET / HTTP/1.1")
        await refusal(connection)
        await connection.send(b"\r\nHost: shop\r\n\r\nGET /livez HTTP/1.1\r\nHost: shop\r\n\r\n")
        assert b"done" in await connection.until(b"done")
        assert server.begun.get_nowait() == "/livez"
        assert server.count("POST") == 1


async def test_expect_continue_is_refused_and_the_connection_closed() -> None:
    async with full() as server, connected(server.port) as connection:
        await connection.send(
            b"POST /items HTTP/1.1\r\nHost: shop\r\nContent-Length: 9\r\nExpect: 100-continue\r\n\r\n"
        )
        assert b"connection: close" in await connection.until_closed()


async def test_a_refusal_of_head_has_no_body() -> None:
    async with full() as server, connected(server.port) as connection:
        await connection.send(b"HEAD /items HTTP/1.1\r\nHost: shop\r\nConnection: close\r\n\r\n")
        assert (await connection.until_closed()).endswith(b"\r\n\r\n")
        assert server.count("HEAD") == 1


async def test_a_draining_server_closes_with_the_refusal() -> None:
    async with full() as server, connected(server.port) as connection:
        server.draining = True
        await connection.send(GET)
        assert b"connection: close" in await connection.until_closed()


@pytest.mark.parametrize("path", ["/livez", "/readyz", "/startupz", "/version"])
async def test_probes_are_served_during_overload(path: str) -> None:
    async with full() as server, connected(server.port) as connection:
        await connection.send(f"GET {path}?verbose HTTP/1.1\r\nHost: shop\r\n\r\n".encode())
        assert b"200 OK" in await connection.until(b"done")


async def test_a_request_whose_body_is_arriving_does_not_count() -> None:
    async with Server(1).serve() as server, connected(server.port) as slow, connected(server.port) as other:
        await slow.send(b"POST /items HTTP/1.1\r\nHost: shop\r\nContent-Length: 2\r\n\r\nx")
        await server.begun.get()
        assert server.admission.admits("POST")
        await slow.send(b"x")
        await _until(lambda: not server.admission.admits("GET"))
        await other.send(GET)
        await refusal(other)
        server.go.set()
        await slow.until(b"done")
        await _until_free(server)


async def test_writes_leave_half_of_the_limit_to_reads() -> None:
    post = b"POST /items HTTP/1.1\r\nHost: shop\r\nContent-Length: 1\r\n\r\nx"
    async with Server(4).serve() as server, connections(server, 4) as (first, second, third, read):
        for connection in (first, second):
            await connection.send(post)
            await server.begun.get()
        await third.send(post)
        await refusal(third)
        await read.send(b"GET /short HTTP/1.1\r\nHost: shop\r\n\r\n")
        assert b"200 OK" in await read.until(b"done")


async def test_a_streaming_answer_does_not_count() -> None:
    async with Server(1).serve() as server, connected(server.port) as stream, connected(server.port) as other:
        await stream.send(b"GET /events HTTP/1.1\r\nHost: shop\r\n\r\n")
        await stream.until(b"event")
        await other.send(b"GET /short HTTP/1.1\r\nHost: shop\r\n\r\n")
        assert b"200 OK" in await other.until(b"done")
        server.go.set()
        await stream.until(b"done")
        await _until_free(server)


async def test_a_websocket_does_not_count_and_is_refused_at_the_limit() -> None:
    async with Server(1).serve() as server, connected(server.port) as socket, connected(server.port) as busy:
        await socket.send(HANDSHAKE)
        assert b"101 Switching Protocols" in await socket.until(b"\r\n\r\n")
        await busy.send(GET)
        await server.begun.get()
        await server.begun.get()
        async with connected(server.port) as late:
            await late.send(HANDSHAKE)
            assert b"503 Service Unavailable" in await late.until_closed()
        assert server.begun.empty()
        server.go.set()


async def test_work_for_a_disconnected_client_counts_until_it_ends() -> None:
    async with Server(1).serve() as server, connected(server.port) as other:
        async with connected(server.port) as leaving:
            await leaving.send(b"GET /left HTTP/1.1\r\nHost: shop\r\n\r\n")
            await server.begun.get()
        await other.send(GET)
        await refusal(other)
        server.go.set()
        await _until_free(server)


async def test_pipelined_requests_are_answered_in_order() -> None:
    async with Server(1).serve() as server, connected(server.port) as connection:
        await connection.send(GET * 2000)
        await server.begun.get()
        server.go.set()
        received = b""
        while received.count(b"done") < 2000:
            received += await connection.until(b"done")
        assert received.count(b"200 OK") == 2000
        await _until_free(server)


async def test_a_client_that_reads_no_refusals_is_disconnected() -> None:
    async with full() as server, connected(server.port) as connection:
        with suppress(ConnectionResetError, BrokenPipeError):
            await connection.send(GET * 100_000)
        await connection.until_closed()
        assert 0 < server.count("GET") < 100_000


async def test_refusals_are_counted_and_logged_as_a_sum() -> None:
    with recorded_logs() as logs:
        async with full() as server, connected(server.port) as connection:
            assert server.count("GET") == 0
            await connection.send(GET * 3)
            await _until(lambda: sum(line["count"] for line in logs.lines("requests_refused")) >= 3)
            assert server.count("GET") == 3
    lines = logs.lines("requests_refused")
    assert sum(line["count"] for line in lines) == 3
    assert {(line["level"], line["limit"]) for line in lines} == {("warning", 1)}


@pytest.mark.parametrize("settings", ["sqlite"], indirect=True)
async def test_an_overloaded_replica_is_ready(settings: Settings) -> None:
    binnacle = create_app(settings)
    protocol = shedding(settings.model_copy(update={"max_requests_in_progress": 1}), binnacle)
    admission: Admission = protocol.args[0]  # type: ignore[attr-defined]  # of the partial
    async with serving(binnacle, protocol=protocol) as port, connected(port) as connection:
        admission.take("GET")
        await connection.send(b"GET /api/v1/items HTTP/1.1\r\nHost: shop\r\n\r\n")
        await refusal(connection)
        await connection.send(b"GET /readyz HTTP/1.1\r\nHost: shop\r\n\r\n")
        assert b"HTTP/1.1 200" in await connection.until(b"}")
        admission.release("GET")
    value = binnacle.telemetry.registry.get_sample_value
    assert value("http_requests_total", {"method": "GET", "route": "overloaded", "status": "503"}) == 1
    assert value("http_requests_in_progress_limit") == 1


async def _until_free(server: Server) -> None:
    await _until(lambda: server.admission.in_progress == 0)


async def _until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not condition():  # noqa: ASYNC110 -- the server has no event for it
            await asyncio.sleep(0.01)
