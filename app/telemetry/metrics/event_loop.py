"""Lag of the event loop, which answers no request while it is blocked, and a task that samples it."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Final

from prometheus_client import CollectorRegistry, Gauge

from app.telemetry.metrics.instruments import histogram

LAG_BUCKETS: Final = (0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
EVERY_SECONDS: Final = 0.25
Sample = Callable[[], None]


class LoopMetrics:
    """Measures the lag of the loop: afterwards as a histogram, and while it is blocked by the time of its last turn.

    `always`: the loop always runs. That of a worker stands still between jobs, which is no lag.
    """

    def __init__(self, registry: CollectorRegistry, *, always: bool = True) -> None:
        about = "Delay of a sleeping task beyond its sleep, which is the lag of the event loop."
        self.lag = histogram(registry, "event_loop_lag_seconds", about, LAG_BUCKETS)
        self._turned: Gauge | None = None
        if always:
            self._turned = Gauge(
                "event_loop_last_turn_timestamp_seconds",
                "Unix time of the last event loop iteration; the oldest of all processes.",
                registry=registry,
                multiprocess_mode="livemin",
            )
            self._turned.set_to_current_time()

    def turned(self, late: float) -> None:
        """Observes a turn of the loop that came `late`, in seconds."""
        self.lag.observe(late)
        if self._turned is not None:
            self._turned.set_to_current_time()


@asynccontextmanager
async def sampling(metrics: LoopMetrics, *samples: Sample, every: float = EVERY_SECONDS) -> AsyncIterator[None]:
    """Measures the lag of this event loop until the block ends, and calls each of `samples` with each measurement.

    These would cost too much at each request; a collector that runs at a scrape would be cheaper, but the sums over
    several processes have none.
    """
    for sample in samples:
        sample()
    task = asyncio.create_task(_run(metrics, samples, every), name="sampler")
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        for sample in samples:
            sample()


async def _run(metrics: LoopMetrics, samples: tuple[Sample, ...], every: float) -> None:
    now = asyncio.get_running_loop().time
    while True:
        due = now() + every
        await asyncio.sleep(every)
        metrics.turned(late=max(0.0, now() - due))
        for sample in samples:
            sample()
