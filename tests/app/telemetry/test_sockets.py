"""The telemetry layer counts WebSockets by route, and logs each when it ends."""

import asyncio
from collections.abc import AsyncIterator
from typing import Self

import pytest
from fastapi import APIRouter, FastAPI, WebSocket
from opentelemetry import trace
from opentelemetry.trace import format_trace_id
from starlette.responses import Response
from starlette.types import Message
from starlette.websockets import WebSocketDisconnect

from app.telemetry import context
from tests.support.otlp_receiver import Receiver
from tests.support.recorded_telemetry import CALLER, SAMPLED, Logs, Observed, observed

pytestmark = pytest.mark.anyio
ROUTE = {"route": "/api/rooms/{room}"}
_, TRACE_ID, SPAN_ID = CALLER.split("-")


def _application() -> FastAPI:
    rooms = APIRouter(prefix="/rooms")

    @rooms.websocket("/{room}")
    async def echo(socket: WebSocket, room: str) -> None:
        work = context.current()
        if work is None:
            raise RuntimeError("a socket is work")
        if room == "closed":
            await socket.close(4403)
            return
        if room == "answered":
            await socket.send_denial_response(Response(status_code=429))
            return
        if room == "broken":
            raise RuntimeError("a fault before")
        work.user_id = "user-1"
        await socket.accept()
        try:
            while True:
                received = await socket.receive_text()
                if received == "break":
                    raise RuntimeError("a fault within")
                if received == "leave":
                    await socket.close(4000, "asked")
                    return
                found = trace.get_current_span().get_span_context()
                await socket.send_text(f"{format_trace_id(found.trace_id)} {found.trace_flags.sampled}")
        except WebSocketDisconnect:
            return

    app = FastAPI()
    app.include_router(rooms, prefix="/api")
    return app


@pytest.fixture
async def application(collector: Receiver, recorded: Logs) -> AsyncIterator[Observed]:
    del recorded  # set up before the layer, which reads the current log sink
    async with observed(_application(), collector.endpoint, traces_sample_ratio=1) as it:
        yield it


class Client:
    """One WebSocket as a server passes it to the application."""

    def __init__(self, application: Observed, path: str, headers: dict[str, str] | None = None) -> None:
        self._application = application
        self._sent: asyncio.Queue[Message] = asyncio.Queue()
        self.received: asyncio.Queue[Message] = asyncio.Queue()
        self._sent.put_nowait({"type": "websocket.connect"})
        self._scope = {
            "type": "websocket",
            "asgi": {"version": "3.0", "spec_version": "2.4"},
            "http_version": "1.1",
            "scheme": "ws",
            "path": path,
            "raw_path": path.encode(),
            "query_string": b"token=t0p",
            "root_path": "",
            "headers": [(name.lower().encode(), value.encode()) for name, value in (headers or {}).items()],
            "client": ("127.0.0.1", 1),
            "server": ("127.0.0.1", 80),
            "subprotocols": [],
            "extensions": {"websocket.http.response": {}},
        }

    async def __aenter__(self) -> Self:
        self._running = asyncio.create_task(self._application.layer(self._scope, self._sent.get, self.received.put))
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._running

    def send(self, text: str) -> None:
        self._sent.put_nowait({"type": "websocket.receive", "text": text})

    def leave(self, code: int) -> None:
        self._sent.put_nowait({"type": "websocket.disconnect", "code": code, "reason": "t0p"})

    async def receive(self) -> Message:
        async with asyncio.timeout(10):
            return await self.received.get()


def _open(application: Observed) -> float | None:
    return application.registry.get_sample_value("websocket_connections_open", ROUTE)


def _handshakes(application: Observed) -> dict[tuple[str, str], float]:
    return {
        (sample.labels["route"], sample.labels["status"]): sample.value
        for metric in application.registry.collect()
        for sample in metric.samples
        if sample.name == "websocket_handshakes_total" and sample.value
    }


async def test_a_socket_is_counted_while_open_and_logged_at_its_end(application: Observed, recorded: Logs) -> None:
    value = application.registry.get_sample_value
    async with Client(application, "/api/rooms/7", SAMPLED | {"X-Request-ID": "req-1"}) as client:
        assert (await client.receive())["type"] == "websocket.accept"
        client.send("hello")
        assert (await client.receive())["text"] == f"{TRACE_ID} False", "nothing of a socket is recorded"
        assert (_open(application), _handshakes(application)) == (1, {("/api/rooms/{room}", "101"): 1})
        assert recorded.lines("websocket") == []
        client.send("leave")
        assert (await client.receive())["code"] == 4000
    assert _open(application) == 0
    assert value("websocket_connection_duration_seconds_count", ROUTE) == 1
    assert value("websocket_messages_total", ROUTE | {"direction": "received"}) == 2
    assert value("websocket_messages_total", ROUTE | {"direction": "sent"}) == 1
    [line] = recorded.lines()
    assert (line["event"], line["level"], line["route"], line["path"]) == (
        "websocket", "info", "/api/rooms/{room}", "/api/rooms/7",
    )  # fmt: skip
    assert (line["status"], line["code"], line["reason"], line["received"], line["sent"]) == (101, 4000, "asked", 2, 1)
    assert (line["request_id"], line["trace_id"], line["span_id"]) == ("req-1", TRACE_ID, SPAN_ID)
    assert (line["user_id"], line["client"]) == ("user-1", "127.0.0.1")
    assert line["duration_ms"] > 0
    assert "t0p" not in recorded.text
    assert application.requests() == {}
    assert application.spans() == ()
    assert context.current() is None


async def test_a_client_close_is_logged_with_its_code_and_without_its_reason(
    application: Observed, recorded: Logs
) -> None:
    async with Client(application, "/api/rooms/7") as client:
        await client.receive()
        client.leave(1001)
    [line] = recorded.lines("websocket")
    assert (line["code"], line["reason"], line["status"]) == (1001, "", 101)
    assert _open(application) == 0


@pytest.mark.parametrize(
    ("path", "route", "status"),
    [
        ("/api/rooms/closed", "/api/rooms/{room}", 403),
        ("/api/rooms/answered", "/api/rooms/{room}", 429),
        ("/nothing/7", "unmatched", 403),
    ],
)
async def test_a_refused_socket_counts_as_handshake_and_not_as_connection(
    application: Observed, recorded: Logs, path: str, route: str, status: int
) -> None:
    async with Client(application, path):
        pass
    assert _handshakes(application) == {(route, str(status)): 1}
    assert application.registry.get_sample_value("websocket_connection_duration_seconds_count", ROUTE) == 0
    [line] = recorded.lines("websocket")
    assert (line["route"], line["status"]) == (route, status)


async def test_an_error_in_a_handler_closes_the_socket_and_is_one_error_line(
    application: Observed, recorded: Logs
) -> None:
    async with Client(application, "/api/rooms/7") as client:
        await client.receive()
        client.send("break")
        assert await client.receive() == {"type": "websocket.close", "code": 1011}
    [error] = [line for line in recorded.lines() if line["level"] == "error"]
    [line] = recorded.lines("websocket")
    assert (error["event"], error["route"], error["trace_id"]) == (
        "unhandled_error", "/api/rooms/{room}", line["trace_id"],
    )  # fmt: skip
    assert (line["status"], line["code"]) == (101, 1011)
    assert _open(application) == 0


async def test_an_error_before_the_handshake_is_answered_500(application: Observed, recorded: Logs) -> None:
    async with Client(application, "/api/rooms/broken") as client:
        assert (await client.receive())["status"] == 500
    assert _handshakes(application) == {("/api/rooms/{room}", "500"): 1}
    assert len(recorded.lines("unhandled_error")) == 1
    assert [line["status"] for line in recorded.lines("websocket")] == [500]


async def test_metrics_of_sockets_start_at_0(application: Observed) -> None:
    exposition = application.exposition()
    for series in (
        'websocket_handshakes_total{route="/api/rooms/{room}",status="101"} 0.0',
        'websocket_connections_open{route="/api/rooms/{room}"} 0.0',
        'websocket_connection_duration_seconds_count{route="/api/rooms/{room}"} 0.0',
        'websocket_messages_total{direction="received",route="/api/rooms/{room}"} 0.0',
        'websocket_messages_total{direction="sent",route="/api/rooms/{room}"} 0.0',
    ):
        assert series in exposition.splitlines()
