"""A follower's stream has its own trace, with a span link to the trace of each change."""

import time
from collections.abc import Iterator
from uuid import uuid4

import pytest
from opentelemetry.trace import SpanKind, format_span_id, format_trace_id
from prometheus_client import CollectorRegistry

from app.events import OrderPaid
from app.infra.database import open_database
from app.infra.fanout import Fanout
from app.infra.outbox import job_span
from app.orders.status_stream import Follower, channel, publish_order_change
from app.settings import Settings, read
from app.telemetry.metrics import FanoutMetrics
from app.telemetry.traces.tracing import Tracing, link
from tests.support.recorded_telemetry import CALLER, spans_of

pytestmark = pytest.mark.anyio


@pytest.fixture
def tracing() -> Iterator[Tracing]:
    tracing = Tracing(read(otlp_endpoint="http://127.0.0.1:9", _env_file=None), "api")
    yield tracing
    tracing.shutdown()


async def test_a_follower_is_linked_to_the_trace_of_the_change(settings: Settings, tracing: Tracing) -> None:
    exporter, order_id = spans_of(tracing), uuid4()
    fanout = Fanout(FanoutMetrics(CollectorRegistry()), tracing)
    async with open_database(settings) as database, fanout.subscribe(channel(order_id)) as reader:
        with job_span.job(tracing, f"{CALLER}-01") as job:
            await publish_order_change(fanout)(OrderPaid(order_id, uuid4()))
        follower = Follower(database, reader, order_id, 0)
        follower._poll_at = time.monotonic() + 60  # the notification only wakes the follower
        with tracing.tracer.start_as_current_span("GET", kind=SpanKind.SERVER):
            assert await follower.next() is None
    stream = exporter.get_finished_spans()[-1]
    [changed] = stream.links
    assert (format_trace_id(changed.context.trace_id), format_span_id(changed.context.span_id)) == (
        job.trace_id,
        job.span_id,
    )
    assert stream.context.trace_id != changed.context.trace_id


@pytest.mark.parametrize("traceparent", ["", "x", "00-0-0-01"])
def test_an_invalid_trace_context_makes_no_link(tracing: Tracing, traceparent: str) -> None:
    exporter = spans_of(tracing)
    with tracing.tracer.start_as_current_span("GET", kind=SpanKind.SERVER):
        link(traceparent)
    link(f"{CALLER}-01")
    [span] = exporter.get_finished_spans()
    assert not span.links
