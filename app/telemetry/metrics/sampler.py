"""A task that samples, a few times a second, what would cost too much to measure at each request."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Final

from app.telemetry.metrics.event_loop import LoopMetrics

EVERY_SECONDS: Final = 0.25
Sample = Callable[[], None]


@asynccontextmanager
async def sampling(metrics: LoopMetrics, *samples: Sample, every: float = EVERY_SECONDS) -> AsyncIterator[None]:
    """Measures the lag of this event loop until the block ends, and calls each of `samples` with each measurement.

    A collector that runs at a scrape would be cheaper, but the sums over several processes have none.
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
