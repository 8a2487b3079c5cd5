"""The layer writes one line and one count for a request, whatever becomes of it."""

import asyncio
import re
from collections.abc import AsyncIterator
from datetime import datetime
from typing import Any

import pytest
from fastapi import FastAPI, HTTPException, Request
from fastapi.responses import StreamingResponse

from app.api import problems
from app.telemetry import context
from tests.app.otlp import Receiver
from tests.app.telemetry.recording import SAMPLED, UNSAMPLED, Logs, Observed, observed

pytestmark = pytest.mark.anyio
both = pytest.mark.parametrize("headers", [SAMPLED, UNSAMPLED], ids=["sampled", "unsampled"])


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
    """What a server hands over, for what a client of this process can't do."""
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "root_path": "",
        "headers": [(b"host", b"testserver"), *((name.encode(), value.encode()) for name, value in headers.items())],
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 80),
    }


@pytest.fixture
async def application(collector: Receiver, recorded: Logs) -> AsyncIterator[Observed]:
    del recorded  # set up before the layer, which takes its log
    async with observed(_application(), collector.endpoint) as it:
        yield it


@both
async def test_the_access_line_tells_what_was_asked_and_nothing_of_the_query(
    application: Observed, recorded: Logs, headers: dict[str, str]
) -> None:
    sent = headers | {"X-Request-ID": "req-1", "Authorization": "Bearer t0p", "Cookie": "session=t0p"}
    await application.client.get("/ok/ada?token=t0p", headers=sent)
    [line] = recorded.lines()
    assert set(line) == {
        "timestamp", "level", "event", "method", "route", "path", "status", "duration_ms",
        "request_id", "trace_id", "span_id", "user_id", "client",
    }  # fmt: skip
    assert (line["event"], line["level"], line["method"], line["status"]) == ("http_request", "info", "GET", 200)
    assert (line["route"], line["path"], line["client"]) == ("/ok/{name}", "/ok/ada", "127.0.0.1")
    assert (line["request_id"], line["user_id"]) == ("req-1", None)
    assert line["trace_id"] == "0af7651916cd43dd8448eb211c80319c"
    assert re.fullmatch("[0-9a-f]{16}", line["span_id"])
    assert 0 <= line["duration_ms"] < 60_000
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
    assert "RuntimeError: a fault" in error["exception"]
    assert "l0cal" not in error["exception"]
    [access] = recorded.lines("http_request")
    for line in (error, access):
        assert (line["request_id"], line["trace_id"]) == (problem["request_id"], problem["trace_id"])
    assert application.requests() == {("GET", "/broken", "500"): 1}
    assert application.registry.get_sample_value("http_requests_in_progress") == 0


async def test_an_answer_that_breaks_in_the_middle_counts_as_500(application: Observed, recorded: Logs) -> None:
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
async def test_a_client_that_left_is_499_and_no_error_of_ours(
    application: Observed, recorded: Logs, headers: dict[str, str]
) -> None:
    messages = iter([{"type": "http.request", "body": b"half", "more_body": True}, {"type": "http.disconnect"}])

    async def receive() -> Any:
        return next(messages)

    async def send(_message: Any) -> None:
        """Nobody is there."""

    await application.layer(_scope("POST", "/upload", headers), receive, send)
    assert application.requests() == {("POST", "/upload", "499"): 1}
    assert [line["status"] for line in recorded.lines("http_request")] == [499]
    assert [line for line in recorded.lines() if line["level"] == "error"] == []


async def test_probes_are_counted_but_say_something_only_when_they_fail(application: Observed, recorded: Logs) -> None:
    await application.client.get("/livez")
    assert recorded.lines() == []
    await application.client.get("/readyz")
    assert [line["status"] for line in recorded.lines("http_request")] == [503]
    assert application.requests() == {("GET", "/livez", "200"): 1, ("GET", "/readyz", "503"): 1}


async def test_requests_at_once_keep_their_own_context(application: Observed, recorded: Logs) -> None:
    ids = [f"req-{number}" for number in range(20)]
    answers = await asyncio.gather(
        *(application.client.get("/who", headers={"X-Request-ID": request_id}) for request_id in ids)
    )
    told = [answer.json().split() for answer in answers]
    assert [request_id for request_id, _ in told] == ids
    assert len({trace_id for _, trace_id in told}) == 20
    lines = {line["request_id"]: line for line in recorded.lines("http_request")}
    for request_id, trace_id in told:
        assert lines[request_id]["trace_id"] == trace_id
        assert lines[request_id]["user_id"] == "user-1"
    assert context.current() is None
