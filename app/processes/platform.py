"""Platform of a process: settings, telemetry and database, and the event bus of processes that run commands.

Imports that only some processes need are local: an embedded shop has no queue.
"""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, closing, nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import UUID

from app.infra.cache import open_cache
from app.infra.database import Database, open_database
from app.infra.event_bus import Bus
from app.infra.fanout import open_fanout
from app.infra.outbox.outbox import Outbox
from app.processes.subscriptions import subscribe
from app.settings import Settings
from app.telemetry.metrics.event_loop import LoopMetrics, sampling
from app.telemetry.telemetry import Telemetry

if TYPE_CHECKING:
    from app.infra.queue.celery import Publisher


@dataclass(frozen=True, slots=True)
class Platform:
    """Settings, telemetry and database of one process."""

    settings: Settings
    telemetry: Telemetry
    database: Database
    loop: LoopMetrics

    def sampling(self) -> AbstractAsyncContextManager[None]:
        """Samples the lag of the event loop and the connections in the pool until the block ends."""
        return sampling(self.loop, self.database.sample_pool)


@asynccontextmanager
async def open_platform(settings: Settings, telemetry: Telemetry, *, pauses: bool = False) -> AsyncIterator[Platform]:
    """Opens the platform, and samples it until the block ends.

    With `pauses`, the event loop stops between jobs, which must not count as lag: call `sampling` around each job.
    """
    loop = LoopMetrics(telemetry.registry, always=not pauses)
    async with open_database(settings, telemetry) as database:
        platform = Platform(settings, telemetry, database, loop)
        async with nullcontext() if pauses else platform.sampling():
            yield platform


@asynccontextmanager
async def open_bus(platform: Platform, enqueue: Callable[[UUID], None]) -> AsyncIterator[Bus]:
    """Opens the event bus. `enqueue` gets the id of each outbox message after its commit, and must not block."""
    settings, telemetry = platform.settings, platform.telemetry
    async with open_cache(settings, telemetry) as cache, open_fanout(settings, telemetry) as fanout:
        outbox = Outbox(enqueue)
        yield Bus(cache, fanout, outbox, subscribe(outbox, cache, fanout))


def open_publisher(platform: Platform) -> "closing[Publisher]":
    """Opens the publisher of the workers' queue. Raises ValueError without REDIS_URL."""
    from app.infra.queue.celery import Publisher, make_celery  # noqa: PLC0415 -- 20 MB that an embedded shop saves

    return closing(Publisher(make_celery(platform.settings), platform.telemetry))
