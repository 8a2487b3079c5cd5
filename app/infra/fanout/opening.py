"""Opens the fan-out of this process."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final

from app.infra.fanout.fanout import Fanout
from app.infra.fanout.redis import SharedFanout

if TYPE_CHECKING:
    from app.settings import Settings
    from app.telemetry.metrics import DependencyMetrics, FanoutMetrics
    from app.telemetry.traces.tracing import Tracing

CONNECTIONS: Final = 20


@asynccontextmanager
async def open_fanout(
    settings: "Settings",
    metrics: "FanoutMetrics",
    dependencies: "DependencyMetrics | None" = None,
    tracing: "Tracing | None" = None,
) -> AsyncIterator[Fanout]:
    """Opens a fan-out over Redis, if it is set, else in this process; connects at its first use."""
    address = settings.redis
    if address is None:
        yield Fanout(metrics, tracing)
        return
    from redis.asyncio import Redis  # noqa: PLC0415 -- 5 MB that an embedded shop saves

    from app.infra.redis.pool import open_listener, open_pool  # noqa: PLC0415

    publisher, listener = Redis.from_pool(open_pool(address, CONNECTIONS)), open_listener(address)
    async with publisher, listener:
        fanout = SharedFanout(publisher, listener, metrics, dependencies, tracing)
        try:
            yield fanout
        finally:
            await fanout.close()
