"""Server spans of sampled requests, and propagation of the caller's trace for all."""

from collections.abc import AsyncIterator

import pytest
from fastapi import FastAPI
from opentelemetry.trace import (
    NonRecordingSpan,
    SpanContext,
    SpanKind,
    format_span_id,
    format_trace_id,
    get_current_span,
    use_span,
)

from app.settings import read
from app.telemetry import context
from app.telemetry.context import WorkContext
from app.telemetry.requests.instrumentation import FRAMEWORK_TELEMETRY
from app.telemetry.traces.tracing import Tracing, traceparent
from tests.support.otlp_receiver import Receiver
from tests.support.recorded_telemetry import CALLER, SAMPLED, UNSAMPLED, Logs, Observed, observed, spans_of

pytestmark = pytest.mark.anyio
_, TRACE_ID, SPAN_ID = CALLER.split("-")


def _application() -> FastAPI:
    app = FastAPI(telemetry=FRAMEWORK_TELEMETRY)

    @app.get("/items/{item_id}")
    async def item(item_id: str) -> dict[str, str]:
        _, trace_id, span_id, _ = traceparent().split("-")
        return {"item": item_id, "trace": trace_id, "span": span_id}

    @app.get("/broken")
    async def broken() -> str:
        raise RuntimeError("a fault")

    return app


@pytest.fixture
async def application(collector: Receiver, recorded: Logs) -> AsyncIterator[Observed]:
    del recorded
    async with observed(_application(), collector.endpoint, traces_sample_ratio=0) as it:
        yield it


async def test_a_sampled_request_is_one_server_span_below_its_caller(application: Observed, recorded: Logs) -> None:
    seen = (await application.client.get("/items/7", headers=SAMPLED)).json()
    [span] = application.spans()
    assert (span.name, span.kind) == ("GET /items/{item_id}", SpanKind.SERVER)
    assert span.attributes is not None
    assert span.attributes["http.route"] == "/items/{item_id}"
    assert span.attributes["http.response.status_code"] == 200
    assert span.parent is not None
    assert format_span_id(span.parent.span_id) == SPAN_ID
    own = format_span_id(span.context.span_id)
    assert (format_trace_id(span.context.trace_id), own) == (TRACE_ID, seen["span"])
    [line] = recorded.lines("http_request")
    assert (line["trace_id"], line["span_id"]) == (TRACE_ID, own)


async def test_an_unsampled_request_makes_no_span_and_keeps_its_trace(application: Observed) -> None:
    seen = (await application.client.get("/items/7", headers=UNSAMPLED)).json()
    assert (seen["trace"], seen["span"]) == (TRACE_ID, SPAN_ID)
    assert application.spans() == ()
    own = [(await application.client.get("/items/7")).json()["trace"] for _ in range(2)]
    assert len({*own, "0" * 32, TRACE_ID}) == 4, "a new trace each"
    assert application.spans() == ()


async def test_a_new_trace_is_independent_of_a_trace_in_the_servers_context(application: Observed) -> None:
    left = NonRecordingSpan(SpanContext(1, 2, is_remote=False))
    with use_span(left):
        seen = (await application.client.get("/items/7")).json()
        assert get_current_span() is left
    assert int(seen["trace"], 16) != 1


@pytest.mark.parametrize("names", [[], ["transaction"]], ids=["not recorded", "recorded"])
def test_a_library_makes_spans_below_sampled_work_only(collector: Receiver, names: list[str]) -> None:
    tracing = Tracing(read(otlp_endpoint=collector.endpoint, traces_sample_ratio=1, _env_file=None), "api")
    exporter = spans_of(tracing)
    token = context.enter(WorkContext("", TRACE_ID, SPAN_ID, sampled=bool(names)))
    with tracing.tracer.start_as_current_span("transaction"):
        assert traceparent().split("-")[1] == TRACE_ID
    context.leave(token)
    assert [span.name for span in exporter.get_finished_spans()] == names
    tracing.shutdown()


@pytest.mark.parametrize("given", ["", "x", "00-0-0-01", f"00-{'0' * 32}-{SPAN_ID}-01", f"ff-{TRACE_ID}-{SPAN_ID}-01"])
async def test_an_invalid_trace_context_is_replaced(application: Observed, given: str) -> None:
    seen = (await application.client.get("/items/7", headers={"traceparent": given})).json()
    assert seen["trace"] not in (TRACE_ID, "0" * 32)
    assert application.spans() == ()


async def test_an_error_and_an_unknown_path_are_one_span_each(application: Observed) -> None:
    await application.client.get("/broken", headers=SAMPLED)
    await application.client.get("/nothing/7", headers=SAMPLED)
    broken, unknown = application.spans()
    assert broken.name == "GET /broken"
    assert not broken.status.is_ok
    assert len(broken.events) == 1
    assert unknown.name == "GET"
    assert unknown.status.is_unset


async def test_the_ratio_decides_for_requests_without_a_trace(collector: Receiver) -> None:
    async with observed(_application(), collector.endpoint, traces_sample_ratio=1) as application:
        answers = [(await application.client.get("/items/7")).json() for _ in range(3)]
        spans = application.spans()
    assert [format_trace_id(span.context.trace_id) for span in spans] == [answer["trace"] for answer in answers]
    assert len(collector.spans) == 3, "shutdown sends what is left"


async def test_an_unreachable_endpoint_delays_and_fails_nothing(recorded: Logs) -> None:
    async with observed(_application(), "http://127.0.0.1:9", traces_sample_ratio=1) as application:
        assert (await application.client.get("/items/7")).status_code == 200
    assert [line["status"] for line in recorded.lines("http_request")] == [200]


def test_a_job_span_is_a_child_of_its_request(collector: Receiver) -> None:
    tracing = Tracing(read(otlp_endpoint=collector.endpoint, _env_file=None), "worker")
    exporter = spans_of(tracing)
    for flags, recorded_spans in (("01", 1), ("00", 1)):
        with tracing.consuming("process order", f"{CALLER}-{flags}") as context:
            assert format_trace_id(context.trace_id) == TRACE_ID
            assert traceparent().split("-")[1] == TRACE_ID
            assert traceparent().split("-")[3] == flags
        assert len(exporter.get_finished_spans()) == recorded_spans
    [span] = exporter.get_finished_spans()
    assert (span.name, span.kind) == ("process order", SpanKind.CONSUMER)
    assert span.parent is not None
    assert format_span_id(span.parent.span_id) == SPAN_ID
    assert traceparent() == "", "nothing of it is left behind"
    tracing.shutdown()
    assert [(span.service, span.name) for span in collector.spans] == [("binnacle-worker", "process order")]
