"""Correlation of the signals: a metric's exemplar leads to its trace, and the trace to its log line."""

import httpx2
import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families
from prometheus_client.samples import Sample

from app.ops.admin import serve_admin
from app.processes.api import create_app
from app.settings import Settings
from tests.support import loopback
from tests.support.otlp_receiver import Receiver
from tests.support.recorded_telemetry import Logs

SERVER = 2  # opentelemetry.proto.trace.v1.Span.SpanKind
OPEN_METRICS = {"Accept": "application/openmetrics-text; version=1.0.0"}


def _durations(exposition: str) -> list[Sample]:
    """The duration buckets of item list requests, as Prometheus parses them."""
    return [
        sample
        for family in text_string_to_metric_families(exposition)  # type: ignore[no-untyped-call]
        for sample in family.samples
        if sample.name == "http_request_duration_seconds_bucket" and sample.labels["route"] == "/api/v1/items"
    ]


@pytest.mark.anyio
@pytest.mark.parametrize("settings", ["sqlite"], indirect=True)
async def test_an_exemplar_leads_to_its_trace_and_its_log_line(
    settings: Settings, collector: Receiver, recorded: Logs
) -> None:
    chosen = {"otlp_endpoint": collector.endpoint, "traces_sample_ratio": 1}
    binnacle = create_app(settings.model_copy(update=chosen))
    async with (
        binnacle.app.router.lifespan_context(binnacle.app),
        httpx2.AsyncClient(transport=httpx2.ASGITransport(app=binnacle), base_url="http://testserver") as client,
    ):
        for _ in range(3):
            (await client.get("/api/v1/items?search=bell")).raise_for_status()
        with serve_admin("127.0.0.1", 0, binnacle.telemetry.registry, {}) as port:
            scraped = loopback.get(f"http://127.0.0.1:{port}/metrics", headers=OPEN_METRICS)

    assert scraped.headers["Content-Type"].startswith("application/openmetrics-text")
    [number, *_] = [sample.exemplar for sample in _durations(scraped.text) if sample.exemplar is not None]
    trace_id = number.labels["trace_id"]

    spans = collector.of_trace(trace_id)
    [server] = [span for span in spans if span.kind == SERVER]
    assert (server.name, server.attributes["http.route"]) == ("GET /api/v1/items", "/api/v1/items")
    assert [span for span in spans if span.parent_id == server.span_id], "what it asked of the database"

    [line] = [line for line in recorded.lines("http_request") if line["trace_id"] == trace_id]
    assert (line["span_id"], line["route"], line["status"]) == (server.span_id, "/api/v1/items", 200)
    assert line["duration_ms"] == pytest.approx(number.value * 1000, abs=0.001), "one clock"
