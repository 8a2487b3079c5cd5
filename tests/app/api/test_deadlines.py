"""Deadlines close connections that stall or send a byte at a time; streamed answers are never cut."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from typing import Any

import pytest

from app.processes.api import create_app
from app.settings import Settings
from tests.app.api.serving import Connection, connected, serving

pytestmark = [pytest.mark.anyio, pytest.mark.parametrize("settings", ["sqlite"], indirect=True)]

HEADER_SECONDS = 0.4
BODY_SECONDS = 0.8
SLACK = 3.0
POST = b"POST /api/v1/auth/register HTTP/1.1\r\nHost: shop\r\nContent-Type: application/json\r\n"


@pytest.fixture
async def port(settings: Settings) -> AsyncIterator[int]:
    """The port of the API with short deadlines."""
    short_timeout = settings.model_copy(update={"request_body_seconds": BODY_SECONDS})
    async with serving(create_app(short_timeout), header_seconds=HEADER_SECONDS, body_seconds=BODY_SECONDS) as number:
        yield number


def _problem(answer: bytes) -> dict[str, Any]:
    head, _, body = answer.partition(b"\r\n\r\n")
    assert b"content-type: application/problem+json" in head.lower()
    assert b"connection: close" in head.lower()
    problem: dict[str, Any] = json.loads(body)
    assert head.startswith(b"HTTP/1.1 %d " % problem["status"])
    return problem


@pytest.mark.parametrize("sent", [b"", b"\r\n", b"GET", b"GET / HTTP/1.1\r\nHost: sh", POST])
async def test_a_partial_head_is_closed(port: int, sent: bytes) -> None:
    began = time.monotonic()
    async with connected(port) as connection:
        await connection.send(sent)
        answer = await connection.until_closed()
    assert HEADER_SECONDS * 0.9 < time.monotonic() - began < HEADER_SECONDS + SLACK
    if sent:
        assert _problem(answer)["status"] == 408
    else:
        assert answer == b""


@pytest.mark.parametrize("sent", [POST + b"X-Long: " + b"x" * 1000, b"\r\n" * 500])
async def test_a_slowly_sent_head_is_closed(port: int, sent: bytes) -> None:
    async with connected(port) as connection:
        assert _problem(await connection.send_slowly(sent, 0.05))["code"] == "request_timeout"


@pytest.mark.parametrize(
    "announced", [b"Content-Length: 100\r\n\r\n", b"Transfer-Encoding: chunked\r\n\r\n64\r\n"], ids=["length", "chunks"]
)
@pytest.mark.parametrize("drips", [False, True], ids=["silence", "drip"])
async def test_a_body_that_does_not_arrive_is_answered_408(port: int, announced: bytes, drips: bool) -> None:  # noqa: FBT001
    began = time.monotonic()
    async with connected(port) as connection:
        await connection.send(POST + announced + b'{"username"')
        answer = await (connection.send_slowly(b" " * 60, 0.1) if drips else connection.until_closed())
    problem = _problem(answer)
    assert (problem["status"], problem["code"]) == (408, "request_timeout")
    assert problem["request_id"]
    assert BODY_SECONDS * 0.9 < time.monotonic() - began < BODY_SECONDS + SLACK


async def test_a_form_that_does_not_arrive_is_answered_408(port: int) -> None:
    async with connected(port) as connection:
        form = b"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 100\r\n\r\nusername=a"
        await connection.send(b"POST /api/v1/auth/token HTTP/1.1\r\nHost: shop\r\n" + form)
        assert _problem(await connection.until_closed())["status"] == 408


async def test_a_body_that_no_handler_reads_is_not_awaited(port: int) -> None:
    async with connected(port) as connection:
        await connection.send(b"POST /nothing HTTP/1.1\r\nHost: shop\r\nContent-Length: 1000\r\n\r\n")
        answer = await connection.send_slowly(b" " * 100, 0.1)
    assert answer.startswith(b"HTTP/1.1 404 ")


async def test_blank_lines_do_not_keep_an_idle_connection_open(port: int) -> None:
    async with connected(port) as connection:
        await _livez(connection)
        answer = await connection.send_slowly(b"\r\n" * 50, 0.1)
    assert _problem(answer)["status"] == 408


async def test_an_idle_connection_is_kept_open_and_a_slow_complete_request_is_served(port: int) -> None:
    async with connected(port) as connection:
        await _livez(connection)
        await asyncio.sleep(HEADER_SECONDS * 2)
        await connection.send(b"GET /livez HTTP/1.1\r\n")
        await asyncio.sleep(HEADER_SECONDS / 2)
        await connection.send(b"Host: shop\r\n\r\n")
        assert (await connection.until(b'{"status":"ok"}')).startswith(b"HTTP/1.1 200 ")
        await asyncio.sleep(HEADER_SECONDS * 2)
        await _livez(connection)


async def _livez(connection: Connection) -> None:
    await connection.send(b"GET /livez HTTP/1.1\r\nHost: shop\r\n\r\n")
    assert (await connection.until(b'{"status":"ok"}')).startswith(b"HTTP/1.1 200 ")


async def test_bytes_that_are_not_http_get_a_problem(port: int) -> None:
    for sent in (
        b"\x16\x03\x01\x00\xa5\x01\x00",
        b"GET /\xff HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\nbad header\r\n\r\n",
    ):
        async with connected(port) as connection:
            await connection.send(sent)
            assert _problem(await connection.until_closed())["status"] == 400


async def test_an_endless_head_is_refused_before_its_deadline(settings: Settings) -> None:
    async with serving(create_app(settings), header_seconds=60) as port:
        for part in (b"GET /" + b"x" * 70_000, b"GET / HTTP/1.1\r\nX: " + b"x" * 70_000, b"\r\n" * 40_000):
            async with connected(port) as connection:
                await connection.send(part[:40_000])
                await asyncio.sleep(0.05)
                await connection.send(part[40_000:])
                assert _problem(await connection.until_closed())["status"] == 431
