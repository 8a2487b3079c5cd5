"""An unreachable, refusing, hanging or slow trace back end: spans never block, and each loss is counted."""

import gc
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager

import httpx2
import pytest
from opentelemetry.sdk.trace import ReadableSpan
from prometheus_client import CollectorRegistry

from app.processes.api import create_app
from app.settings import Settings, read
from app.telemetry.metrics.traces import LOSSES, TraceMetrics
from app.telemetry.traces.exporting import SHUTDOWN_SECONDS
from app.telemetry.traces.tracing import Tracing
from tests.support import otlp_receiver
from tests.support.otlp_receiver import Receiver
from tests.support.ports import free_port
from tests.support.processes import wait_until

QUEUE, BATCH = 64, 16
PATIENCE = 3.0  # seconds, for a slow machine


@pytest.fixture(autouse=True)
def _small_queue(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_BSP_MAX_QUEUE_SIZE", str(QUEUE))
    monkeypatch.setenv("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", str(BATCH))
    monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "20")


@contextmanager
def unreachable() -> Iterator[Receiver]:
    yield Receiver(f"http://127.0.0.1:{free_port()}")


class Counted:
    """The traces of a process, and the metrics of their export."""

    def __init__(self, endpoint: str) -> None:
        self.registry = CollectorRegistry()
        self.tracing = Tracing(read(otlp_endpoint=endpoint, _env_file=None), "api", TraceMetrics(self.registry))

    def make(self, count: int) -> None:
        for _ in range(count):
            self.tracing.tracer.start_span("transaction").end()

    def exported(self) -> float:
        return self.registry.get_sample_value("otel_spans_exported_total") or 0

    def lost(self) -> dict[str, float]:
        values = {
            reason: self.registry.get_sample_value("otel_spans_dropped_total", {"reason": reason}) for reason in LOSSES
        }
        return {reason: value for reason, value in values.items() if value}

    def shut_down(self) -> float:
        """Shuts the exporter down; returns the seconds that it took."""
        began = time.monotonic()
        self.tracing.shutdown()
        return time.monotonic() - began


def test_each_reason_for_a_loss_starts_at_0() -> None:
    registry = CollectorRegistry()
    TraceMetrics(registry)
    for reason in LOSSES:
        assert registry.get_sample_value("otel_spans_dropped_total", {"reason": reason}) == 0


def test_an_available_back_end_gets_every_span_including_the_last() -> None:
    with otlp_receiver.receiver() as store:
        process = Counted(store.endpoint)
        process.make(QUEUE // 2)
        process.shut_down()
    assert (len(store.spans), process.exported(), process.lost()) == (QUEUE // 2, QUEUE // 2, {})


@pytest.mark.parametrize("back_end", [unreachable(), otlp_receiver.receiver(status=500)], ids=["gone", "answers-500"])
def test_refused_spans_are_counted(back_end: AbstractContextManager[Receiver]) -> None:
    with back_end as store:
        process = Counted(store.endpoint)
        process.make(BATCH)
        wait_until(lambda: process.lost() == {"export_failed": BATCH}, 20, "the batch to be given up")
        process.shut_down()
    assert process.exported() == 0


def test_ending_a_span_never_blocks_and_spans_beyond_the_queue_are_counted() -> None:
    with otlp_receiver.receiver(answers=False) as store:
        process = Counted(store.endpoint)
        process.make(10 * QUEUE)  # it would block here: no span is ever accepted
        # `isinstance` would ask a weak proxy, whose object may be gone, for its class.
        waiting = sum(issubclass(type(thing), ReadableSpan) for thing in gc.get_objects())
        assert waiting < 2 * QUEUE + BATCH, "those in the queue and in one batch, no more"
        assert process.lost()["queue_full"] >= 10 * QUEUE - QUEUE - 2 * BATCH
        process.shut_down()
    assert process.exported() == 0
    assert sum(process.lost().values()) == 10 * QUEUE, "each span is counted once"


def test_a_slow_back_end_gets_as_many_spans_as_it_accepts() -> None:
    with otlp_receiver.receiver(seconds=0.2) as store:
        process = Counted(store.endpoint)
        process.make(10 * QUEUE)
        wait_until(lambda: process.exported() >= BATCH, 20, "a batch to be taken")
        process.shut_down()
    assert process.exported() + sum(process.lost().values()) == 10 * QUEUE
    assert "queue_full" in process.lost()


def test_a_hanging_back_end_does_not_delay_shutdown() -> None:
    with otlp_receiver.receiver(answers=False) as store:
        process = Counted(store.endpoint)
        process.make(QUEUE)
        assert process.shut_down() < SHUTDOWN_SECONDS + PATIENCE
        assert process.shut_down() < PATIENCE, "a second one has nothing to do"
        assert sum(process.lost().values()) == QUEUE
        process.make(1)
    assert process.lost()["shutdown"] >= 1, "who comes too late is counted too"


@pytest.mark.anyio
async def test_a_shop_with_a_hanging_trace_back_end_answers_and_shuts_down_in_time(settings: Settings) -> None:
    with otlp_receiver.receiver(answers=False) as store:
        traced = settings.model_copy(update={"otlp_endpoint": store.endpoint, "traces_sample_ratio": 1})
        binnacle = create_app(traced)
        transport = httpx2.ASGITransport(app=binnacle)
        async with httpx2.AsyncClient(transport=transport, base_url="http://testserver") as client:
            async with binnacle.app.router.lifespan_context(binnacle.app):
                for _ in range(QUEUE):
                    assert (await client.get("/api/v1/items")).status_code == 200
                began = time.monotonic()
            assert time.monotonic() - began < SHUTDOWN_SECONDS + PATIENCE
    lost = sum(
        binnacle.telemetry.registry.get_sample_value("otel_spans_dropped_total", {"reason": reason}) or 0
        for reason in LOSSES
    )
    assert lost >= 2 * QUEUE, "each request and its statement"
