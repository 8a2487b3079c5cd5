"""A back end that is gone, refuses, hangs or is slow: nobody waits for it, the end comes in time, each loss is told."""

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
PATIENCE = 3.0  # for a machine that is busy


@pytest.fixture(autouse=True)
def _small_queue(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_BSP_MAX_QUEUE_SIZE", str(QUEUE))
    monkeypatch.setenv("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", str(BATCH))
    monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "20")


@contextmanager
def nobody() -> Iterator[Receiver]:
    yield Receiver(f"http://127.0.0.1:{free_port()}")


class Counted:
    """The traces of a process, and what its metrics say became of them."""

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
        """How long that took, in seconds."""
        began = time.monotonic()
        self.tracing.shutdown()
        return time.monotonic() - began


def test_each_reason_for_a_loss_stands_at_0_from_the_start() -> None:
    registry = CollectorRegistry()
    TraceMetrics(registry)
    for reason in LOSSES:
        assert registry.get_sample_value("otel_spans_dropped_total", {"reason": reason}) == 0


def test_a_back_end_that_takes_them_gets_all_also_those_of_the_last_moment() -> None:
    with otlp_receiver.receiver() as store:
        process = Counted(store.endpoint)
        process.make(QUEUE // 2)
        process.shut_down()
    assert (len(store.spans), process.exported(), process.lost()) == (QUEUE // 2, QUEUE // 2, {})


@pytest.mark.parametrize("back_end", [nobody(), otlp_receiver.receiver(status=500)], ids=["gone", "answers-500"])
def test_what_is_refused_is_counted(back_end: AbstractContextManager[Receiver]) -> None:
    with back_end as store:
        process = Counted(store.endpoint)
        process.make(BATCH)
        wait_until(lambda: process.lost() == {"export_failed": BATCH}, 20, "the batch to be given up")
        process.shut_down()
    assert process.exported() == 0


def test_who_ends_a_span_never_waits_and_what_does_not_fit_is_counted() -> None:
    with otlp_receiver.receiver(answers=False) as store:
        process = Counted(store.endpoint)
        process.make(10 * QUEUE)  # it would stand here if it waited: nothing is ever taken
        # `isinstance` would ask a weak proxy, whose object can be gone, for its class.
        waiting = sum(issubclass(type(thing), ReadableSpan) for thing in gc.get_objects())
        assert waiting < 2 * QUEUE + BATCH, "those in the queue and in one batch, no more"
        assert process.lost()["queue_full"] >= 10 * QUEUE - QUEUE - 2 * BATCH
        process.shut_down()
    assert process.exported() == 0
    assert sum(process.lost().values()) == 10 * QUEUE, "each span is counted once"


def test_a_slow_back_end_gets_what_it_can_take() -> None:
    with otlp_receiver.receiver(seconds=0.2) as store:
        process = Counted(store.endpoint)
        process.make(10 * QUEUE)
        wait_until(lambda: process.exported() >= BATCH, 20, "a batch to be taken")
        process.shut_down()
    assert process.exported() + sum(process.lost().values()) == 10 * QUEUE
    assert "queue_full" in process.lost()


def test_a_back_end_that_hangs_does_not_hold_up_the_end() -> None:
    with otlp_receiver.receiver(answers=False) as store:
        process = Counted(store.endpoint)
        process.make(QUEUE)
        assert process.shut_down() < SHUTDOWN_SECONDS + PATIENCE
        assert process.shut_down() < PATIENCE, "a second one has nothing to do"
        assert sum(process.lost().values()) == QUEUE
        process.make(1)
    assert process.lost()["shutdown"] >= 1, "who comes too late is counted too"


@pytest.mark.anyio
async def test_a_shop_whose_traces_go_nowhere_answers_and_ends_in_time(settings: Settings) -> None:
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
