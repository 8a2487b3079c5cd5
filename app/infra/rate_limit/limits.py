"""Counting against limits: in Redis for all replicas, in this process without Redis or while it is gone.

The fall back is never an error and never open: each replica then counts for itself, so that a limit of five is five a
replica until Redis is back.
"""

import math
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final, Generic, TypeVar

import structlog
from limits import RateLimitItem, RateLimitItemPerSecond
from limits.aio.storage import MemoryStorage, Storage
from limits.aio.strategies import FixedWindowRateLimiter, RateLimiter

from app.infra.redis.calls import RETRY_SECONDS, calls_of, is_damage, outcome
from app.telemetry.clients.redis import record_commands
from app.telemetry.metrics import LimitMetrics

if TYPE_CHECKING:
    from app.settings import Settings
    from app.telemetry.metrics import DependencyMetrics
    from app.telemetry.telemetry import Telemetry

CONNECTIONS: Final = 20
T = TypeVar("T")
Strategy = TypeVar("Strategy", bound=RateLimiter)


def window(name: str, amount: int, seconds: int) -> RateLimitItem:
    """So many in a window of so many seconds."""
    return RateLimitItemPerSecond(amount, seconds, namespace=name)


class Counters:
    """Where the counts lie: shared, and our own for as long as the shared ones don't answer."""

    def __init__(
        self, shared: Storage | None, metrics: LimitMetrics, dependencies: "DependencyMetrics | None" = None
    ) -> None:
        self.shared = shared
        self.own = MemoryStorage()
        self.metrics = metrics
        self.calls = calls_of("limits", dependencies) if shared is not None else None
        self._away_until = 0.0

    def present(self) -> bool:
        return self.shared is not None and time.monotonic() >= self._away_until

    def lost(self, error: Exception) -> None:
        """Leaves the shared counts alone for a while. Raises the error when it is none of theirs."""
        if not _is_outage(error):
            raise error
        self.metrics.fallbacks.inc()
        if self.present():  # not every call that was under way
            self._away_until = time.monotonic() + RETRY_SECONDS
            structlog.get_logger().warning("limits_in_memory", cause=repr(error))

    def damaged(self, error: Exception) -> None:
        """Reports counts that can't be read; those of one client, so that all others go on with the shared ones."""
        self.metrics.fallbacks.inc()
        structlog.get_logger().warning("limits_damaged", cause=repr(error))


class Counting(Generic[Strategy]):
    """One strategy of the library on whichever counts answer."""

    def __init__(self, counters: Counters, strategy: type[Strategy]) -> None:
        self._counters = counters
        self._shared = strategy(counters.shared) if counters.shared is not None else None
        self._own = strategy(counters.own)

    async def ask(self, operation: Callable[[Strategy], Awaitable[T]]) -> T:
        if self._shared is not None and self._counters.present():
            started, calls = time.perf_counter(), self._counters.calls
            how = "ok"
            try:
                return await operation(self._shared)
            except Exception as error:  # noqa: BLE001 -- it raises what is no outage
                how = outcome(error)
                if is_damage(error):
                    self._counters.damaged(error)
                else:
                    self._counters.lost(error)
            finally:
                if calls is not None:
                    calls.ended(started, how)
        return await operation(self._own)


class Limits:
    """Counts per fixed window, which the first one opens, and key. A key is stored as it is: it must not tell who
    somebody is.
    """

    def __init__(self, counters: Counters) -> None:
        self.counters = counters
        self._counting = Counting(counters, FixedWindowRateLimiter)

    async def wait(self, item: RateLimitItem, *key: str) -> int:
        """Seconds until another one is allowed; 0 when it is now."""

        async def ask(limiter: FixedWindowRateLimiter) -> int:
            return 0 if await limiter.test(item, *key) else await _seconds(limiter, item, *key)

        return await self._counting.ask(ask)

    async def take(self, item: RateLimitItem, *key: str) -> int:
        """Counts one; 0 when it is allowed, else the seconds until the next one is. Of many at once, no more pass."""

        async def ask(limiter: FixedWindowRateLimiter) -> int:
            return 0 if await limiter.hit(item, *key) else await _seconds(limiter, item, *key)

        return await self._counting.ask(ask)

    async def count(self, item: RateLimitItem, *key: str) -> None:
        """Counts one, allowed or not."""
        await self._counting.ask(lambda limiter: limiter.hit(item, *key))

    async def clear(self, item: RateLimitItem, *key: str) -> None:
        """Forgets what was counted."""
        await self._counting.ask(lambda limiter: limiter.clear(item, *key))


@asynccontextmanager
async def open_limits(settings: "Settings", telemetry: "Telemetry") -> AsyncIterator[Limits]:
    """Opens the counters of this process, which connect to Redis at the first use."""
    address, metrics = settings.redis, telemetry.metrics(LimitMetrics)
    if address is None:
        yield Limits(Counters(None, metrics))
        return
    from limits.aio.storage import RedisStorage  # noqa: PLC0415 -- with the client, 5 MB that an embedded shop saves

    from app.infra.redis.pool import open_pool  # noqa: PLC0415

    # One that waits for a connection: with one that refuses, a burst of requests would look like an outage.
    pool = open_pool(address, CONNECTIONS)
    storage = RedisStorage("async+redis://", implementation="redispy", connection_pool=pool)  # type: ignore[arg-type]
    record_commands(storage.bridge.get_connection(), telemetry.tracing)  # type: ignore[attr-defined]
    try:
        yield Limits(Counters(storage, metrics, telemetry.dependencies))
    finally:
        await pool.aclose()


async def _seconds(limiter: FixedWindowRateLimiter, item: RateLimitItem, *key: str) -> int:
    """Until the window ends, 1 at least."""
    stats = await limiter.get_window_stats(item, *key)
    return max(1, math.ceil(stats.reset_time - time.time()))


def _is_outage(error: Exception) -> bool:
    from redis import RedisError  # noqa: PLC0415

    return isinstance(error, (RedisError, OSError, TimeoutError))
