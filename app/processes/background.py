"""Background work of an API process: it publishes jobs to the workers, or runs them itself when embedded."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from app.infra.event_bus import Bus
from app.infra.outbox.reconciler import Reconciler
from app.infra.queue.dispatch import Jobs
from app.processes.handlers import make_reconciler, open_runner
from app.processes.platform import Platform, open_publisher


@asynccontextmanager
async def open_background(platform: Platform, bus: Bus, jobs: Jobs) -> AsyncIterator[None]:
    """Publishes jobs to the workers' queue. When embedded, runs the jobs and the reconciler in this process."""
    if not platform.settings.embedded:
        with open_publisher(platform) as publisher:
            async with jobs.running(publisher.publish):
                yield
        return
    async with (
        open_runner(platform, bus) as runner,
        jobs.running(runner.process),
        _reconciling(make_reconciler(platform, jobs)),
    ):
        yield


@asynccontextmanager
async def _reconciling(reconciler: Reconciler) -> AsyncIterator[None]:
    stop = asyncio.Event()
    running = asyncio.create_task(reconciler.run(stop), name="reconciler")
    try:
        yield
    finally:
        stop.set()
        await running
