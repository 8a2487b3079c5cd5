"""The telemetry layer writes one access line and one count for each request, whatever its outcome."""

import asyncio
import re
import socket
from collections.abc import AsyncIterator
from datetime import datetime
from typing import Any

import pytest
import uvicorn
from fastapi import FastAPI, HTTPException, Request
from fastapi.responses import Response, StreamingResponse
from starlette.background import BackgroundTask

from app.api import problems
from app.telemetry import context
from tests.support.asgi_scopes import http_scope
from tests.support.otlp_receiver import Receiver
from tests.support.recorded_telemetry import SAMPLED, UNSAMPLED, Logs, Observed, observed

pytestmark = pytest.mark.anyio
both = pytest.mark.parametrize("headers", [SAMPLED, UNSAMPLED], ids=["sampled", "unsampled"])


async def _events() -> StreamingResponse:
    async def wait() -> AsyncIterator[bytes]:
        yield b"data: 1\n\n"
        await asyncio.sleep(0.3)

    return StreamingResponse(wait(), media_type="text/event-stream")


async def _endless() -> StreamingResponse:
    async def wait() -> AsyncIterator[bytes]:
        yield b"some"
        await asyncio.Event().wait()

    return StreamingResponse(wait())


async def _afterwards() -> Response:
    return Response(background=BackgroundTask(asyncio.sleep, 0.3))


async def _slow() -> str:
    await asyncio.sleep(0.3)
    return "at last"


def _application() -> FastAPI:
    app = FastAPI()
    problems.install(app)

    @app.get("/ok/{name}")
    async def ok(name: str) -> str:
        return name

    @app.get("/livez")
    async def livez() -> str:
        return "ok"

    @app.get("/readyz")
    async def readyz() -> str:
        raise HTTPException(503)

    @app.get("/broken")
    async def broken() -> str:
        hidden = "l0cal"
        raise RuntimeError(f"a fault {len(hidden)}")

    @app.get("/broken-stream")
    async def broken_stream() -> StreamingResponse:
        async def chunks() -> AsyncIterator[bytes]:
            yield b"some"
            raise RuntimeError("a fault in the middle")

        return StreamingResponse(chunks())

    app.get("/events")(_events)
    app.get("/endless")(_endless)
    app.get("/afterwards")(_afterwards)
    app.get("/slow")(_slow)

    @app.post("/upload")
    async def upload(request: Request) -> int:
        return len(await request.body())

    @app.get("/who")
    async def who() -> str:
        work = context.current()
        if work is None:
            raise RuntimeError("a request is work")
        work.user_id = "user-1"
        return f"{work.request_id} {work.trace_id}"

    return app


def _scope(method: str, path: str, headers: dict[str, str]) -> dict[str, Any]:
    """An ASGI scope as a server passes it, for requests that the test client cannot send."""
    sent = [(b"host", b"testserver"), *((name.encode(), value.encode()) for name, value in headers.items())]
    return http_scope(method, path, headers=sent)


@pytest.fixture
async def application(collector: Receiver, recorded: Logs) -> AsyncIterator[Observed]:
    del recorded  # set up before the layer, which reads the current log sink
    async with observed(_application(), collector.endpoint) as it:
        yield it


async def test_the_duration_of_an_event_stream_is_its_time_to_first_byte(application: Observed, recorded: Logs) -> None:
    assert (await application.client.get("/events")).text == "data: 1\n\n"
    waited = application.registry.get_sample_value(
        "http_request_duration_seconds_sum", {"method": "GET", "route": "/events"}
    )
    [line] = recorded.lines("http_request")
    assert waited is not None
    assert waited < line["duration_ms"] / 1000 - 0.25


@both
async def test_the_access_line_has_the_request_and_nothing_of_the_query(
    application: Observed, recorded: Logs, headers: dict[str, str]
) -> None:
    sent = headers | {"X-Request-ID": "req-1", "Authorization": "Bearer t0p", "Cookie": "session=t0p"}
    await application.client.get("/ok/ada?token=t0p", headers=sent)
    [line] = recorded.lines()
    assert set(line) == {
        "timestamp", "level", "event", "method", "route", "path", "status", "duration_ms", "ttfb_ms",
        "request_id", "trace_id", "span_id", "user_id", "client",
    }  # fmt: skip
    assert (line["event"], line["level"], line["method"], line["status"]) == ("http_request", "info", "GET", 200)
    assert (line["route"], line["path"], line["client"]) == ("/ok/{name}", "/ok/REDACTED", "127.0.0.1")
    assert (line["request_id"], line["user_id"]) == ("req-1", None)
    assert line["trace_id"] == "0af7651916cd43dd8448eb211c80319c"
    assert re.fullmatch("[0-9a-f]{16}", line["span_id"])
    assert 0 <= line["ttfb_ms"] <= line["duration_ms"] < 60_000
    assert datetime.fromisoformat(line["timestamp"]).tzinfo is not None
    assert "t0p" not in recorded.text


@both
async def test_an_unhandled_error_is_one_500_one_error_line_and_one_count(
    application: Observed, recorded: Logs, headers: dict[str, str]
) -> None:
    answer = await application.client.get("/broken", headers=headers)
    assert answer.status_code == 500
    problem = answer.json()
    assert problem["code"] == "internal_error"
    assert "fault" not in answer.text
    assert answer.headers["X-Request-ID"] == problem["request_id"]
    [error] = [line for line in recorded.lines() if line["level"] == "error"]
    assert error["event"] == "unhandled_error"
    assert error["error_type"] == "RuntimeError"
    assert "test_layer:" in error["exception"]
    assert "fault" not in error["exception"]
    assert "l0cal" not in error["exception"]
    [access] = recorded.lines("http_request")
    for line in (error, access):
        assert (line["request_id"], line["trace_id"]) == (problem["request_id"], problem["trace_id"])
    assert application.requests() == {("GET", "/broken", "500"): 1}
    assert application.registry.get_sample_value("http_requests_in_progress") == 0


async def test_an_answer_that_breaks_off_counts_as_500(application: Observed, recorded: Logs) -> None:
    sent = []

    async def receive() -> Any:
        await asyncio.Event().wait()

    async def send(message: Any) -> None:
        sent.append(message["type"])

    await application.layer(_scope("GET", "/broken-stream", UNSAMPLED), receive, send)
    assert sent == ["http.response.start", "http.response.body"]
    assert application.requests() == {("GET", "/broken-stream", "500"): 1}
    assert [line["status"] for line in recorded.lines("http_request")] == [500]
    assert len(recorded.lines("unhandled_error")) == 1


@both
async def test_a_disconnected_client_is_499_and_no_error(
    application: Observed, recorded: Logs, headers: dict[str, str]
) -> None:
    messages = iter([{"type": "http.request", "body": b"half", "more_body": True}, {"type": "http.disconnect"}])

    async def receive() -> Any:
        return next(messages)

    async def send(_message: Any) -> None:
        """The client is disconnected."""

    await application.layer(_scope("POST", "/upload", headers), receive, send)
    assert application.requests() == {("POST", "/upload", "499"): 1}
    assert [line["status"] for line in recorded.lines("http_request")] == [499]
    assert [line for line in recorded.lines() if line["level"] == "error"] == []


@both
async def test_a_stream_is_in_progress_until_its_end_and_499_if_its_client_disconnects(
    application: Observed, recorded: Logs, headers: dict[str, str]
) -> None:
    begun, leaves = asyncio.Event(), asyncio.Event()

    async def receive() -> Any:
        await leaves.wait()
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        if message["type"] == "http.response.body":
            begun.set()

    value = application.registry.get_sample_value
    running = asyncio.create_task(application.layer(_scope("GET", "/endless", headers), receive, send))
    async with asyncio.timeout(10):
        await begun.wait()
        assert value("http_requests_in_progress") == 1
        assert recorded.lines() == []
        await asyncio.sleep(0.1)  # its duration must include this time
        leaves.set()
        await running
    assert value("http_requests_in_progress") == 0
    assert application.requests() == {("GET", "/endless", "499"): 1}
    [line] = recorded.lines()
    assert (line["event"], line["status"]) == ("http_request", 499)
    assert line["ttfb_ms"] + 100 <= line["duration_ms"]


class _Cycle:
    """A request whose client has disconnected, as uvicorn represents it."""

    disconnected = True

    async def receive(self) -> Any:
        return {"type": "http.request", "body": b"", "more_body": False}


async def test_an_answer_to_a_disconnected_client_is_499_although_the_application_did_not_check(
    application: Observed,
) -> None:
    async def send(_message: Any) -> None:
        """Drops the message, as uvicorn does."""

    await application.layer(_scope("GET", "/ok/ada", UNSAMPLED), _Cycle().receive, send)
    assert application.requests() == {("GET", "/ok/{name}", "499"): 1}


async def test_uvicorn_reports_a_disconnected_client(application: Observed, recorded: Logs) -> None:
    config = uvicorn.Config(application.layer, log_config=None, lifespan="off")
    server = uvicorn.Server(config)
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        running = asyncio.create_task(server.serve(sockets=[listener]))
        async with asyncio.timeout(30):
            while not server.started:  # noqa: ASYNC110 -- uvicorn has no event for it
                await asyncio.sleep(0.01)
            _, writer = await asyncio.open_connection("127.0.0.1", listener.getsockname()[1])
            writer.write(b"GET /slow HTTP/1.1\r\nHost: testserver\r\n\r\n")
            while application.registry.get_sample_value("http_requests_in_progress") != 1:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
            writer.transport.abort()
            while not recorded.lines("http_request"):  # noqa: ASYNC110
                await asyncio.sleep(0.01)
            server.should_exit = True
            await running
    assert application.requests() == {("GET", "/slow", "499"): 1}


async def test_background_tasks_are_not_part_of_the_duration(application: Observed, recorded: Logs) -> None:
    await application.client.get("/afterwards")
    [line] = recorded.lines("http_request")
    assert line["duration_ms"] < 250


async def test_probes_are_counted_and_logged_only_when_they_fail(application: Observed, recorded: Logs) -> None:
    await application.client.get("/livez")
    assert recorded.lines() == []
    await application.client.get("/readyz")
    assert [line["status"] for line in recorded.lines("http_request")] == [503]
    assert application.requests() == {("GET", "/livez", "200"): 1, ("GET", "/readyz", "503"): 1}


async def test_concurrent_requests_keep_their_own_context(application: Observed, recorded: Logs) -> None:
    ids = [f"req-{number}" for number in range(20)]
    answers = await asyncio.gather(
        *(application.client.get("/who", headers={"X-Request-ID": request_id}) for request_id in ids)
    )
    answered = [answer.json().split() for answer in answers]
    assert [request_id for request_id, _ in answered] == ids
    assert len({trace_id for _, trace_id in answered}) == 20
    lines = {line["request_id"]: line for line in recorded.lines("http_request")}
    for request_id, trace_id in answered:
        assert lines[request_id]["trace_id"] == trace_id
        assert lines[request_id]["user_id"] == "user-1"
    assert context.current() is None


async def test_a_missing_request_id_is_the_trace_id_unless_the_trace_has_other_requests(
    application: Observed, recorded: Logs
) -> None:
    for headers in ({}, {}, UNSAMPLED, UNSAMPLED, {"X-Request-ID": "no name\t"}):
        answer = await application.client.get("/ok/ada", headers=headers)
        assert answer.headers["X-Request-ID"] == recorded.lines("http_request")[-1]["request_id"]
    lines = recorded.lines("http_request")
    assert [line["request_id"] == line["trace_id"] for line in lines] == [True, True, False, False, True]
    assert len({line["request_id"] for line in lines}) == len(lines)
