"""Malformed HTTP/1.1 over a real socket: each request is answered, counted and logged, and its connection closed."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import pytest
from structlog.testing import capture_logs

from app.processes.api import Binnacle, create_app
from app.settings import Settings
from tests.app.api.serving import Connection, connected, serving

pytestmark = [pytest.mark.anyio, pytest.mark.parametrize("settings", ["sqlite"], indirect=True)]

HEAD = b"GET /livez HTTP/1.1\r\nHost: shop\r\n"
POST = b"POST /api/v1/auth/register HTTP/1.1\r\nHost: shop\r\nContent-Type: application/json\r\n"
CHUNKED = POST + b"Transfer-Encoding: chunked\r\n\r\n"

# RFC 9112, by its sections.
HEADS = {
    "2.2 bare LF": (b"GET /livez HTTP/1.1\nHost: shop\n\n", 400),
    "2.2 garbage": (b"GARBAGE\r\n\r\n", 400),
    "2.2 TLS": (b"\x16\x03\x01\x00\xa5\x01\x00", 400),
    "2.3 lower case": (b"GET /livez http/1.1\r\nHost: shop\r\n\r\n", 400),
    "2.3 HTTP/0.9": (b"GET /livez\r\n\r\n", 505),
    "2.3 HTTP/1.2": (b"GET /livez HTTP/1.2\r\nHost: shop\r\n\r\n", 505),
    "2.3 HTTP/2.0": (b"GET /livez HTTP/2.0\r\nHost: shop\r\n\r\n", 505),
    "2.3 HTTP/3.0": (b"GET /livez HTTP/3.0\r\nHost: shop\r\n\r\n", 505),
    "3 long target": (b"GET /" + b"x" * 70_000 + b" HTTP/1.1\r\nHost: shop\r\n\r\n", 414),
    "3.1 method": (b"FOO /livez HTTP/1.1\r\nHost: shop\r\n\r\n", 400),
    "3.2 fragment": (b"GET /livez#x HTTP/1.1\r\nHost: shop\r\n\r\n", 400),
    "3.2 no target": (b"GET livez HTTP/1.1\r\nHost: shop\r\n\r\n", 400),
    "3.2 space": (b"GET /a b HTTP/1.1\r\nHost: shop\r\n\r\n", 400),
    "3.2.3 authority": (b"CONNECT shop:443 HTTP/1.1\r\nHost: shop:443\r\n\r\n", 400),
    "5 name": (HEAD + b"Bad Name: x\r\n\r\n", 400),
    "5 no name": (HEAD + b": x\r\n\r\n", 400),
    "5 no colon": (HEAD + b"foo\r\n\r\n", 400),
    "5.1 space before colon": (HEAD + b"X : x\r\n\r\n", 400),
    "5.2 folding": (HEAD + b"X: x\r\n y\r\n\r\n", 400),
    "5.5 NUL": (HEAD + b"X: a\x00b\r\n\r\n", 400),
    "5.5 CR": (HEAD + b"X: a\rb\r\n\r\n", 400),
    "6.1 both lengths": (POST + b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n", 400),
    "6.1 gzip": (POST + b"Transfer-Encoding: gzip\r\n\r\n{}", 501),
    "6.1 gzip, chunked": (POST + b"Transfer-Encoding: gzip, chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n", 501),
    "6.1 chunked twice": (POST + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
    "6.1 HTTP/1.0": (CHUNKED.replace(b"HTTP/1.1", b"HTTP/1.0") + b"2\r\n{}\r\n0\r\n\r\n", 400),
    "6.2 length twice": (POST + b"Content-Length: 2\r\nContent-Length: 2\r\n\r\n{}", 400),
    "6.2 length list": (POST + b"Content-Length: 2, 2\r\n\r\n{}", 400),
    "6.2 length signed": (POST + b"Content-Length: +2\r\n\r\n{}", 400),
    "6.2 length empty": (POST + b"Content-Length: \r\n\r\n{}", 400),
    "6.2 length huge": (POST + b"Content-Length: 99999999999999999999\r\n\r\n{}", 400),
}
CHUNKS = {
    "size": b"zz\r\n{}\r\n0\r\n\r\n",
    "second size": b"2\r\n{}\r\nzz\r\n\r\n",
    "end": b"2\r\n{}xx0\r\n\r\n",
    "huge": b"FFFFFFFFFFFFFFFFFF\r\n{}\r\n0\r\n\r\n",
}


@dataclass(frozen=True, slots=True)
class Served:
    binnacle: Binnacle
    port: int

    def counted(self, status: int) -> float:
        count = self.binnacle.telemetry.registry.get_sample_value(
            "http_requests_rejected_total", {"status": str(status)}
        )
        assert count is not None
        return count


@pytest.fixture
async def served(settings: Settings) -> AsyncIterator[Served]:
    binnacle = create_app(settings)
    async with serving(binnacle) as port:
        yield Served(binnacle, port)


def _answers(received: bytes) -> list[dict[str, Any]]:
    """The status and the JSON body of each answer."""
    found = []
    while received:
        head, _, rest = received.partition(b"\r\n\r\n")
        fields = dict(line.lower().split(b": ", 1) for line in head.split(b"\r\n")[1:])
        size = int(fields[b"content-length"])
        found.append({**json.loads(rest[:size]), "answered": int(head.split()[1]), "fields": fields})
        received = rest[size:]
    return found


async def _whole(connection: Connection, sent: bytes) -> list[dict[str, Any]]:
    await connection.send(sent)
    return _answers(await connection.until_closed())


async def test_a_malformed_head_is_refused_counted_and_logged(served: Served) -> None:
    for name, (sent, status) in HEADS.items():
        before = served.counted(status)
        with capture_logs() as lines:
            async with connected(served.port) as connection:
                (problem,) = await _whole(connection, sent)
        assert problem["answered"] == problem["status"] == status, (name, problem)
        assert problem["fields"][b"content-type"] == b"application/problem+json"
        assert problem["fields"][b"connection"] == b"close"
        assert served.counted(status) == before + 1, name
        (line,) = [line for line in lines if line["event"] == "request_rejected"]
        assert (line["status"], line["code"], line["client"]) == (status, problem["code"], "127.0.0.1")


@pytest.mark.parametrize("apart", [False, True], ids=["at once", "after the head"])
async def test_a_malformed_body_is_answered_by_the_application(served: Served, apart: bool) -> None:  # noqa: FBT001
    for name, chunks in CHUNKS.items():
        async with connected(served.port) as connection:
            parts = (CHUNKED, chunks) if apart else (CHUNKED + chunks,)
            for part in parts[:-1]:
                await connection.send(part)
                await asyncio.sleep(0.05)
            (problem,) = await _whole(connection, parts[-1])
        assert (problem["answered"], problem["code"]) == (400, "bad_request"), name
        assert problem["request_id"], "it has an access line"
        assert problem["fields"][b"connection"] == b"close"
    counted = served.binnacle.telemetry.registry.get_sample_value
    labels = {"method": "POST", "route": "/api/v1/auth/register", "status": "400"}
    assert counted("http_requests_total", labels) == len(CHUNKS)


@pytest.mark.parametrize("behind", [b"GARBAGE\r\n\r\n", b"GET /livez HTTP/2.0\r\nHost: shop\r\n\r\n"])
async def test_requests_before_a_malformed_one_are_answered_first(served: Served, behind: bytes) -> None:
    whole = HEAD + b"\r\n"
    async with connected(served.port) as connection:
        answers = await _whole(connection, whole * 3 + behind)
    assert [answer["answered"] for answer in answers] in ([200, 200, 200, 400], [200, 200, 200, 505])


async def test_a_body_that_breaks_after_its_answer_closes_the_connection_without_another_answer(served: Served) -> None:
    async with connected(served.port) as connection:
        await connection.send(CHUNKED.replace(b"/api/v1/auth/register", b"/nothing"))
        await connection.until(b'"code":"not_found"')
        await connection.send(b"zz\r\n\r\n")
        assert b"HTTP/1.1" not in await connection.until_closed()


async def test_a_refusal_arrives_although_the_client_keeps_sending(served: Served) -> None:
    """A connection that is closed with unread bytes is reset, and the answer is lost with it."""
    async with connected(served.port) as connection:
        await connection.send(b"GARBAGE\r\n\r\n")
        await asyncio.sleep(0.05)
        await connection.send(b"x" * 10_000)
        await asyncio.sleep(0.05)
        (problem,) = _answers(await connection.until_closed())
    assert problem["status"] == 400


async def test_a_repeated_header_field_is_refused(served: Served) -> None:
    for name in (b"Authorization", b"Content-Type", b"Idempotency-Key", b"Last-Event-ID", b"Origin"):
        async with connected(served.port) as connection:
            twice = b"%s: a\r\n%s: a\r\nConnection: close\r\n\r\n" % (name, name.lower())
            (problem,) = await _whole(connection, b"GET /api/v1/users/me HTTP/1.1\r\nHost: shop\r\n" + twice)
        assert (problem["answered"], problem["code"]) == (400, "repeated_header")
        assert name.lower().decode() in problem["detail"]


async def test_a_host_is_a_name_or_an_address_with_an_optional_port(served: Served) -> None:
    async def status(host: bytes) -> tuple[int, str]:
        async with connected(served.port) as connection:
            request = b"GET /nothing HTTP/1.1\r\nHost: " + host + b"\r\nConnection: close\r\n\r\n"
            (problem,) = await _whole(connection, request)
            return problem["answered"], problem["code"]

    for host in (
        b"shop",
        b"shop:1",
        b"SHOP.example.com:65535",
        b"shop:",
        b"127.0.0.1:8000",
        b"[::1]",
        b"[::1]:80",
        b"a_b",
    ):
        assert await status(host) == (404, "not_found"), host
    wrong = (
        b"shop:0",
        b"shop:65536",
        b"shop:x",
        b"shop:-1",
        b"shop:80:80",
        b"::1",
        b"[::1",
        b"[:::1]",
        b"a b",
        b"a/b",
        b"a@b",
    )
    for host in (*wrong, b"a,b", b"x" * 256, b"shop:000000080", b"%61"):
        assert await status(host) == (400, "invalid_host"), host
