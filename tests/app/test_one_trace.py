"""One order is one trace, over the API, the worker and the provider, and the log lines of all three carry its id."""

from collections.abc import Iterator

import httpx2
import pytest

from tests.app.otlp import Receiver, receiver
from tests.app.processes import Processes, Running, wait_until
from tests.app.shopping import Shopper


@pytest.fixture
def otlp() -> Iterator[Receiver]:
    with receiver() as listening:
        yield listening


def test_one_order_is_one_trace(processes: Processes, otlp: Receiver, stores: dict[str, str]) -> None:
    traced = {"OTEL_EXPORTER_OTLP_ENDPOINT": otlp.endpoint, "TRACES_SAMPLE_RATIO": 1, "OTEL_BSP_SCHEDULE_DELAY": 100}
    provider = processes.sandbox(**traced)
    worker = processes.worker(PROVIDER_URL=provider, **traced, **stores)
    api, url = processes.api(**traced, **stores)

    with Shopper(url) as shopper:
        placed = shopper.order()
        shopper.await_final(placed.headers["Location"])

    (post,) = [line for line in api.lines() if line.get("route") == "/api/v1/orders"]
    trace_id = post["trace_id"]
    wait_until(lambda: len(otlp.of_trace(trace_id)) >= 4, 10, "the spans of the order")
    spans = {(span.service, span.name): span for span in otlp.of_trace(trace_id)}
    asked = spans["binnacle-api", "POST /api/v1/orders"]
    processed = spans["binnacle-worker", "process order"]
    called = next(span for span in spans.values() if span.service == "binnacle-worker" and span is not processed)
    charged = spans["binnacle-sandbox", "POST /v1/charges"]
    assert len(spans) == 4
    assert [asked.parent_id, processed.parent_id, called.parent_id, charged.parent_id] == [
        "",
        asked.span_id,
        processed.span_id,
        called.span_id,
    ]
    assert asked.attributes["http.route"] == "/api/v1/orders"
    assert post["span_id"] == asked.span_id
    _logs_carry(trace_id, api, worker, processes.named("sandbox"))


def test_an_unsampled_request_sends_nothing_and_keeps_its_trace_id(
    processes: Processes, otlp: Receiver, stores: dict[str, str]
) -> None:
    traced = {"OTEL_EXPORTER_OTLP_ENDPOINT": otlp.endpoint, "TRACES_SAMPLE_RATIO": 0, "OTEL_BSP_SCHEDULE_DELAY": 100}
    api, url = processes.api(**traced, **stores)
    sampled, unsampled = "a" * 32, "b" * 32
    for trace_id, flags in ((unsampled, "00"), (sampled, "01")):
        httpx2.get(f"{url}/api/v1/items", headers={"traceparent": f"00-{trace_id}-{'c' * 16}-{flags}"})
    wait_until(lambda: otlp.of_trace(sampled), 10, "the span of the sampled request, sent after the other")
    (span,) = otlp.spans
    assert (span.trace_id, span.parent_id, span.name) == (sampled, "c" * 16, "GET /api/v1/items")
    logged = [line["trace_id"] for line in api.lines() if line.get("route") == "/api/v1/items"]
    assert logged == [unsampled, sampled]


def _logs_carry(trace_id: str, *processes: Running) -> None:
    for process in processes:
        wait_until(
            lambda process=process: any(line.get("trace_id") == trace_id for line in process.lines()),  # type: ignore[misc]
            10,
            f"a line of {process.log.stem} with the order's trace id",
        )
