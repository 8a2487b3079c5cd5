"""Opens the fan-out that the settings select: over Redis, or in this process."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final

from app.infra.fanout.fanout import Fanout
from app.infra.fanout.redis import SharedFanout
from app.telemetry.metrics import FanoutMetrics

if TYPE_CHECKING:
    from app.settings import Settings
    from app.telemetry.telemetry import Telemetry

CONNECTIONS: Final = 20


@asynccontextmanager
async def open_fanout(settings: "Settings", telemetry: "Telemetry") -> AsyncIterator[Fanout]:
    """Opens the fan-out of this process, which connects to Redis at the first use."""
    address, metrics, tracing = settings.redis, telemetry.metrics(FanoutMetrics), telemetry.tracing
    if address is None:
        yield Fanout(metrics, tracing)
        return
    from redis.asyncio import Redis  # noqa: PLC0415 -- 5 MB that an embedded shop saves

    from app.infra.redis.pool import open_listener, open_pool  # noqa: PLC0415

    publisher, listener = Redis.from_pool(open_pool(address, CONNECTIONS)), open_listener(address)
    async with publisher, listener:
        fanout = SharedFanout(publisher, listener, metrics, telemetry.dependencies, tracing)
        try:
            yield fanout
        finally:
            await fanout.close()
