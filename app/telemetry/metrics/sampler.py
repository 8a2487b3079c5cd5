"""A task that looks, a few times a second, at what would cost too much to follow at each request."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Final

from app.telemetry.metrics.event_loop import LoopMetrics

EVERY_SECONDS: Final = 0.25
Look = Callable[[], None]


@asynccontextmanager
async def sampling(metrics: LoopMetrics, *looks: Look, every: float = EVERY_SECONDS) -> AsyncIterator[None]:
    """Measures this event loop's lag until the block ends, and takes each look at the beginning, each time, and at
    the end.

    A collector that is asked at a scrape would be cheaper still, but there is none where several processes are summed.
    """
    for look in looks:
        look()
    task = asyncio.create_task(_sample(metrics, looks, every), name="sampler")
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        for look in looks:
            look()


async def _sample(metrics: LoopMetrics, looks: tuple[Look, ...], every: float) -> None:
    now = asyncio.get_running_loop().time
    while True:
        due = now() + every
        await asyncio.sleep(every)
        metrics.turned(late=max(0.0, now() - due))
        for look in looks:
            look()
