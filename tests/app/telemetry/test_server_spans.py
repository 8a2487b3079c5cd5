"""Each sampled request is one server span of OpenTelemetry's instrumentation; unsampled requests bypass it."""

import asyncio
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any, NamedTuple
from uuid import uuid4

import pytest
from fastapi import APIRouter, FastAPI, HTTPException, WebSocket
from fastapi.responses import StreamingResponse
from opentelemetry import trace
from opentelemetry.instrumentation.asgi import OpenTelemetryMiddleware
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.trace import Span, SpanContext, SpanKind, StatusCode, format_span_id, format_trace_id
from starlette.background import BackgroundTask
from starlette.testclient import TestClient

from app.api import problems
from app.catalog.cached_items import CachedItems
from app.processes.api import create_app
from app.settings import Settings
from app.telemetry import telemetry
from app.telemetry.requests.instrumentation import FRAMEWORK_TELEMETRY
from app.telemetry.traces.attribute_allowlist import only_allowed
from app.telemetry.traces.tracing import Tracing
from tests.support.otlp_receiver import Receiver
from tests.support.recorded_telemetry import SAMPLED, UNSAMPLED, Logs, Observed, observed, spans_of

if TYPE_CHECKING:
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

pytestmark = pytest.mark.anyio
on_sqlite = pytest.mark.parametrize("settings", ["sqlite"], indirect=True)
SERVER = 2  # opentelemetry.proto.trace.v1.Span.SpanKind
STATE = {"tracestate": "one=1,two=2"}
LONG_STATE = [f"vendor{number}={'x' * 50}" for number in range(10)]


class Request(NamedTuple):
    """One request."""

    method: str
    path: str
    headers: dict[str, str] | None = None


REQUESTS = {
    "a query": Request("GET", "/api/v1/items/7?token=t0p&page=2", SAMPLED),
    "an id": Request("GET", "/api/v1/items/2c7f9a4e-6a52-4c0e-9b7e-0d5e1f2a3b4c", SAMPLED),
    "a word of the caller's": Request("GET", "/api/v1/items/ada", SAMPLED),
    "unknown": Request("GET", "/nothing/7", SAMPLED),
    "not allowed": Request("DELETE", "/api/v1/items/7", SAMPLED),
    "invalid": Request("GET", "/api/v1/items/7?page=x", SAMPLED),
    "refused": Request("GET", "/refused", SAMPLED),
    "unavailable": Request("GET", "/unavailable", SAMPLED),
    "broken": Request("GET", "/broken", SAMPLED),
    "a stream": Request("GET", "/stream", SAMPLED),
    "a link": Request("GET", "/linked", SAMPLED),
    "a redirect": Request("GET", "/api/v1/items/7/", SAMPLED),
    "HEAD": Request("HEAD", "/head", SAMPLED),
    "OPTIONS": Request("OPTIONS", "/head", SAMPLED),
    "another method": Request("BREW", "/head", SAMPLED),
    "another method of nothing": Request("BREW", "/nothing", SAMPLED),
    "a method that is no word": Request("BR3W", "/head", SAMPLED),
    "an agent": Request("GET", "/head", SAMPLED | {"User-Agent": "Mozilla/5.0 (ada@example.com)"}),
    "no trace": Request("GET", "/api/v1/items/7"),
    "no trace, unknown": Request("GET", "/nothing"),
    "a trace that is none": Request("GET", "/head", {"traceparent": "00-0-0-01"}),
    "a state": Request("GET", "/head", SAMPLED | STATE),
    "a state without a trace": Request("GET", "/head", STATE),
    "a state that is too long": Request("GET", "/head", SAMPLED | {"tracestate": ",".join(LONG_STATE)}),
}


NAMED = {
    "a query": ("GET /api/v1/items/{item_id}", 200),
    "an id": ("GET /api/v1/items/{item_id}", 200),
    "a word of the caller's": ("GET /api/v1/items/{item_id}", 200),
    "unknown": ("GET", 404),
    "not allowed": ("DELETE /api/v1/items/{item_id}", 405),
    "invalid": ("GET /api/v1/items/{item_id}", 422),
    "refused": ("GET /refused", 403),
    "unavailable": ("GET /unavailable", 503),
    "broken": ("GET /broken", 500),
    "a stream": ("GET /stream", 200),
    "a link": ("GET /linked", 200),
    "a redirect": ("GET", 307),
    "HEAD": ("HEAD /head", 200),
    "OPTIONS": ("OPTIONS /head", 405),
    "another method": ("HTTP /head", 405),
    "another method of nothing": ("HTTP", 404),
    "a method that is no word": ("HTTP /head", 405),
    "an agent": ("GET /head", 200),
    "no trace": ("GET /api/v1/items/{item_id}", 200),
    "no trace, unknown": ("GET", 404),
    "a trace that is none": ("GET /head", 200),
    "a state": ("GET /head", 200),
    "a state without a trace": ("GET /head", 200),
    "a state that is too long": ("GET /head", 200),
}


class ExportedSpan(NamedTuple):
    """A span as it is exported, without its own ids and times."""

    name: str
    kind: SpanKind
    status: tuple[object, str | None]
    trace_id: str | None
    parent: str | None
    state: str
    flags: int
    attributes: dict[str, object]
    events: list[tuple[str, dict[str, object]]]
    links: list[tuple[str, dict[str, object]]]


async def _linked() -> str:
    trace.get_current_span().add_link(SpanContext(1, 2, is_remote=True))
    return "linked"


def _application() -> FastAPI:
    app = FastAPI(telemetry=FRAMEWORK_TELEMETRY)
    problems.install(app)
    items = APIRouter(prefix="/items")

    @items.get("/{item_id}")
    async def item(item_id: str, page: int = 1) -> str:
        return f"{item_id} {page}"

    app.include_router(items, prefix="/api/v1")

    @app.api_route("/head", methods=["GET", "HEAD"])
    async def head() -> str:
        return "head"

    app.get("/linked")(_linked)

    @app.get("/refused")
    async def refused() -> str:
        raise HTTPException(403)

    @app.get("/unavailable")
    async def unavailable() -> str:
        raise HTTPException(503)

    @app.get("/broken")
    async def broken() -> str:
        raise RuntimeError("a fault of ada@example.com")

    @app.get("/stream")
    async def stream() -> StreamingResponse:
        async def chunks() -> AsyncIterator[bytes]:
            for _ in range(3):
                yield b"some"

        return StreamingResponse(chunks(), background=BackgroundTask(asyncio.sleep, 0))

    @app.websocket("/socket")
    async def socket(socket: WebSocket) -> None:
        await socket.accept()
        await socket.close()

    return app


def _exported(span: ReadableSpan) -> ExportedSpan:
    """The fields of a span that leave the process."""
    span = only_allowed(span)
    ids = span.context
    remote = span.parent is not None
    return ExportedSpan(
        span.name,
        span.kind,
        (span.status.status_code, span.status.description),
        format_trace_id(ids.trace_id) if remote else None,
        format_span_id(span.parent.span_id) if span.parent is not None else None,
        ids.trace_state.to_header(),
        ids.trace_flags,
        dict(span.attributes or {}),
        [(event.name, dict(event.attributes or {})) for event in span.events],
        [(format_span_id(link.context.span_id), dict(link.attributes or {})) for link in span.links],
    )


async def _span(application: Observed, request: Request) -> ExportedSpan:
    application.exporter.clear()
    await application.client.request(request.method, request.path, headers=request.headers)
    [span] = application.spans()
    assert span.start_time is not None
    assert span.end_time is not None
    assert span.start_time < span.end_time
    return _exported(span)


@pytest.mark.parametrize(
    ("server", "at"),
    [
        ("http://testserver", {"url.scheme": "http"}),
        ("https://testserver:8443", {"url.scheme": "https", "server.port": 8443}),
    ],
    ids=["http", "https"],
)
async def test_a_span_has_method_route_status_and_nothing_private(
    collector: Receiver, recorded: Logs, server: str, at: dict[str, object]
) -> None:
    async with observed(_application(), collector.endpoint, traces_sample_ratio=1) as application:
        application.client.base_url = server
        spans = {name: await _span(application, request) for name, request in REQUESTS.items()}
    assert {name: (span.name, span.attributes["http.response.status_code"]) for name, span in spans.items()} == NAMED
    found = spans["a query"]
    assert found.name == "GET /api/v1/items/{item_id}"
    assert found.attributes == {
        "client.address": "127.0.0.1",
        "client.port": 123,
        "http.request.method": "GET",
        "http.response.status_code": 200,
        "http.route": "/api/v1/items/{item_id}",
        "network.protocol.version": "1.1",
        "server.address": "testserver",
        "url.path": "/api/v1/items/7",
        **at,
    }
    assert spans["broken"].events == [("exception", {"exception.type": "RuntimeError", "exception.escaped": "False"})]
    assert spans["broken"].attributes["error.type"] == "500"
    assert spans["unknown"].attributes.get("http.route") is None
    assert spans["a state"].state == "one=1,two=2"
    assert spans["a state that is too long"].state == ""
    assert spans["no trace"].parent is None
    assert spans["a link"].links == [("0000000000000002", {})]
    assert "ada" not in repr(spans)
    assert "t0p" not in repr(spans)
    del recorded


async def test_changes_to_a_span_after_its_end_are_ignored(collector: Receiver, recorded: Logs) -> None:
    app = FastAPI(telemetry=FRAMEWORK_TELEMETRY)
    late: list[Span] = []

    @app.get("/kept")
    async def kept() -> str:
        late.append(trace.get_current_span())
        return "kept"

    @app.get("/broken-off")
    async def broken_off() -> StreamingResponse:
        async def chunks() -> AsyncIterator[bytes]:
            yield b"some"
            raise RuntimeError("a fault")

        return StreamingResponse(chunks())

    async with observed(app, collector.endpoint, traces_sample_ratio=1) as application:
        await application.client.get("/kept")
        late[0].set_attribute("http.route", "/late")
        late[0].add_event("late")
        late[0].add_link(SpanContext(1, 2, is_remote=True))
        late[0].end()
        [exported] = [_exported(span) for span in application.spans()]
        assert (exported.attributes["http.route"], exported.events, exported.links) == ("/kept", [], [])
        with pytest.raises(AssertionError):  # the test client's assertion about an incomplete answer
            await application.client.get("/broken-off")
        broken = _exported(application.spans()[1])
    assert [attributes["exception.type"] for _, attributes in broken.events] == ["RuntimeError"]
    assert broken.status == (StatusCode.ERROR, None)
    del recorded


async def test_a_sampled_request_is_one_span_and_others_bypass_the_instrumentation(
    collector: Receiver, recorded: Logs, monkeypatch: pytest.MonkeyPatch
) -> None:
    entered = []
    call = OpenTelemetryMiddleware.__call__

    async def counted(self: OpenTelemetryMiddleware, scope: Any, receive: Any, send: Any) -> None:
        entered.append(scope["path"])
        await call(self, scope, receive, send)

    monkeypatch.setattr(OpenTelemetryMiddleware, "__call__", counted)
    async with observed(_application(), collector.endpoint, traces_sample_ratio=0) as application:
        for request in REQUESTS.values():
            await application.client.request(request.method, request.path, headers=UNSAMPLED)
            await application.client.request(request.method, request.path)
        assert application.spans() == ()
        assert entered == []
        for request in REQUESTS.values():
            await application.client.request(request.method, request.path, headers=SAMPLED)
        spans = application.spans()
    assert [span.kind for span in spans] == [SpanKind.SERVER] * len(REQUESTS)
    assert len(entered) == len(REQUESTS)
    lines = recorded.lines("http_request")[-len(REQUESTS) :]
    assert [line["span_id"] for line in lines] == [format_span_id(span.context.span_id) for span in spans]


@on_sqlite
async def test_the_service_makes_one_server_span_for_each_request(
    settings: Settings, collector: Receiver, recorded: Logs
) -> None:
    binnacle = create_app(settings.model_copy(update={"otlp_endpoint": collector.endpoint}))
    with TestClient(binnacle, headers=SAMPLED) as client:
        asked = ["/api/v1/items", "/api/v2/items?limit=1", "/api/v1/users/me", "/nothing", "/livez"]
        for path in asked:
            client.get(path)
    kinds = [span.kind for span in collector.spans if span.trace_id == recorded.lines("http_request")[0]["trace_id"]]
    assert kinds.count(SERVER) == len(asked)
    assert not {span.name for span in collector.spans if span.name.endswith((" send", " receive"))}
    assert all(span.name.startswith("GET") for span in collector.spans if span.kind == SERVER)


@on_sqlite
async def test_an_unhandled_exception_is_recorded_on_its_span(
    settings: Settings, collector: Receiver, recorded: Logs, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(*_: object) -> None:
        raise RuntimeError("a fault")

    kept: list[InMemorySpanExporter] = []

    class Kept(Tracing):
        def __init__(self, *arguments: Any) -> None:
            super().__init__(*arguments)
            kept.append(spans_of(self))

    monkeypatch.setattr(CachedItems, "get", fail)
    monkeypatch.setattr(telemetry, "Tracing", Kept)
    binnacle = create_app(settings.model_copy(update={"otlp_endpoint": collector.endpoint}))
    with TestClient(binnacle, headers=SAMPLED) as client:
        assert client.get(f"/api/v1/items/{uuid4()}").status_code == 500
    [error] = recorded.lines("unhandled_error")
    [exported] = [_exported(span) for span in kept[0].get_finished_spans() if span.kind == SpanKind.SERVER]
    assert error["error_type"] == "RuntimeError"
    assert exported.attributes["error.type"] == "500"
    assert exported.events == [("exception", {"exception.type": "RuntimeError", "exception.escaped": "False"})]


async def test_a_websocket_has_no_span(collector: Receiver) -> None:
    async with observed(_application(), collector.endpoint, traces_sample_ratio=1) as application:
        with TestClient(application.layer).websocket_connect("/socket", headers=SAMPLED) as socket:
            assert socket.receive()["type"] == "websocket.close"
        assert application.spans() == ()
