"""Counting against limits: in Redis for all replicas, in this process without Redis or while it is gone.

The fall back is never an error and never open: each replica then counts for itself, so that a limit of five is five a
replica until Redis is back.
"""

import math
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final, TypeVar

import structlog
from limits import RateLimitItem, RateLimitItemPerSecond
from limits.aio.storage import MemoryStorage
from limits.aio.strategies import FixedWindowRateLimiter

if TYPE_CHECKING:
    from app.settings import Settings
    from app.telemetry.metrics import LimitMetrics

REDIS_SECONDS: Final = 0.25  # to connect, and for an answer
RETRY_SECONDS: Final = 5.0  # a Redis that is gone is left alone for so long
T = TypeVar("T")


def window(name: str, amount: int, seconds: int) -> RateLimitItem:
    """So many in a window of so many seconds, which the first one opens."""
    return RateLimitItemPerSecond(amount, seconds, namespace=name)


class Limits:
    """Counts per window and key. A key is stored as it is: it must not tell who somebody is."""

    def __init__(self, shared: FixedWindowRateLimiter | None, metrics: "LimitMetrics") -> None:
        self._shared = shared
        self._own = FixedWindowRateLimiter(MemoryStorage())
        self._metrics = metrics
        self._away_until = 0.0

    async def wait(self, item: RateLimitItem, *key: str) -> int:
        """Seconds until another one is allowed; 0 when it is now."""

        async def ask(limiter: FixedWindowRateLimiter) -> int:
            if await limiter.test(item, *key):
                return 0
            stats = await limiter.get_window_stats(item, *key)
            return max(1, math.ceil(stats.reset_time - time.time()))

        return await self._ask(ask)

    async def count(self, item: RateLimitItem, *key: str) -> None:
        """Counts one, allowed or not."""
        await self._ask(lambda limiter: limiter.hit(item, *key))

    async def clear(self, item: RateLimitItem, *key: str) -> None:
        """Forgets what was counted."""
        await self._ask(lambda limiter: limiter.clear(item, *key))

    async def _ask(self, operation: Callable[[FixedWindowRateLimiter], Awaitable[T]]) -> T:
        if self._shared is not None and time.monotonic() >= self._away_until:
            try:
                return await operation(self._shared)
            except Exception as error:
                if not _is_outage(error):
                    raise
                self._away_until = time.monotonic() + RETRY_SECONDS
                self._metrics.fallbacks.inc()
                structlog.get_logger().warning("limits_in_memory", cause=repr(error))
        return await operation(self._own)


@asynccontextmanager
async def open_limits(settings: "Settings", metrics: "LimitMetrics") -> AsyncIterator[Limits]:
    """The counters of this process; connects at the first use."""
    if settings.redis_url is None:
        yield Limits(None, metrics)
        return
    from limits.aio.storage import RedisStorage  # noqa: PLC0415 -- with the client, 5 MB that an embedded shop saves
    from redis.asyncio import ConnectionPool  # noqa: PLC0415

    pool = ConnectionPool.from_url(
        settings.redis_url.get_secret_value(),
        socket_timeout=REDIS_SECONDS,
        socket_connect_timeout=REDIS_SECONDS,
        max_connections=20,
    )
    storage = RedisStorage("async+redis://", implementation="redispy", connection_pool=pool)  # type: ignore[arg-type]
    try:
        yield Limits(FixedWindowRateLimiter(storage), metrics)
    finally:
        await pool.aclose()


def _is_outage(error: Exception) -> bool:
    from redis import RedisError  # noqa: PLC0415

    return isinstance(error, (RedisError, OSError, TimeoutError))
