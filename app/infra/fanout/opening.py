"""The fan-out of this process, as the settings want it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Final

from app.infra.fanout.fanout import Fanout
from app.infra.fanout.shared import SharedFanout
from app.infra.redis_calls import REDIS_SECONDS

if TYPE_CHECKING:
    from app.settings import Settings
    from app.telemetry.metrics import DependencyMetrics, FanoutMetrics
    from app.telemetry.traces.tracing import Tracing

CONNECTIONS: Final = 20
HEALTH_SECONDS: Final = 10.0  # a connection that listens asks so often whether it still has a peer


@asynccontextmanager
async def open_fanout(
    settings: "Settings",
    metrics: "FanoutMetrics",
    dependencies: "DependencyMetrics | None" = None,
    tracing: "Tracing | None" = None,
) -> AsyncIterator[Fanout]:
    """Over Redis where there is one, else in this process; connects at the first use."""
    if settings.redis_url is None:
        yield Fanout(metrics, tracing)
        return
    from redis.asyncio import Redis  # noqa: PLC0415 -- 5 MB that an embedded shop saves
    from redis.asyncio.retry import Retry  # noqa: PLC0415
    from redis.backoff import NoBackoff  # noqa: PLC0415

    from app.infra.redis_pool import NO_NOTIFICATIONS, open_pool  # noqa: PLC0415

    url = settings.redis_url.get_secret_value()
    once: dict[str, Any] = {"socket_connect_timeout": REDIS_SECONDS, "retry": Retry(NoBackoff(), 0), **NO_NOTIFICATIONS}
    publisher = Redis.from_pool(open_pool(url, CONNECTIONS))
    listener = Redis.from_url(url, socket_timeout=2.0, health_check_interval=HEALTH_SECONDS, **once)
    async with publisher, listener:
        fanout = SharedFanout(publisher, listener, metrics, dependencies, tracing)
        try:
            yield fanout
        finally:
            await fanout.close()
