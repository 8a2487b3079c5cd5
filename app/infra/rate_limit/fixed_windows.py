"""Rate limits: counters in Redis for all replicas, or in this process without Redis and during its outages.

An outage neither fails a request nor lifts a limit: each replica counts for itself, so that a limit of five is five a
replica until Redis is back.
"""

import math
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Final, Generic, TypeVar

import structlog
from limits import RateLimitItem, RateLimitItemPerSecond
from limits.aio.storage import MemoryStorage, Storage
from limits.aio.strategies import FixedWindowRateLimiter, RateLimiter

from app.infra.redis.calls import Pause, calls_of, is_damage, timed_call
from app.settings import Settings
from app.telemetry.clients.redis import record_commands
from app.telemetry.metrics import DependencyMetrics, LimitMetrics
from app.telemetry.telemetry import Telemetry

CONNECTIONS: Final = 20
T = TypeVar("T")
Strategy = TypeVar("Strategy", bound=RateLimiter)


def window(name: str, amount: int, seconds: int) -> RateLimitItem:
    """Returns a limit of `amount` uses in a window of `seconds`."""
    return RateLimitItemPerSecond(amount, seconds, namespace=name)


class Counters:
    """Storage of the counts: shared by all replicas, and this process's own for outages of the shared one."""

    def __init__(
        self, shared: Storage | None, metrics: LimitMetrics, dependencies: DependencyMetrics | None = None
    ) -> None:
        self.shared = shared
        self.own = MemoryStorage()
        self.metrics = metrics
        self.calls = calls_of("limits", dependencies)
        self._pause = Pause()

    def present(self) -> bool:
        return self.shared is not None and not self._pause.active

    def fall_back(self, error: Exception) -> None:
        """Skips the shared counts: for a while after an outage, once if a client's are damaged. Raises other errors."""
        log = structlog.get_logger()
        if is_damage(error):
            log.warning("limits_damaged", cause=repr(error))
        elif self._pause.begin(error):
            log.warning("limits_in_memory", cause=repr(error))
        self.metrics.fallbacks.inc()


class Counting(Generic[Strategy]):
    """Applies one strategy of the library `limits` to the counts that are available."""

    def __init__(self, counters: Counters, strategy: type[Strategy]) -> None:
        self._counters = counters
        self._shared = strategy(counters.shared) if counters.shared is not None else None
        self._own = strategy(counters.own)

    async def call(self, operation: Callable[[Strategy], Awaitable[T]]) -> T:
        if self._shared is not None and self._counters.present():
            try:
                with timed_call(self._counters.calls):
                    return await operation(self._shared)
            except Exception as error:  # noqa: BLE001 -- `fall_back` raises what is no outage
                self._counters.fall_back(error)
        return await operation(self._own)


class Limits:
    """Limits in fixed windows, which open with the first use of a key. Keys are stored: they hold no personal data."""

    def __init__(self, counters: Counters) -> None:
        self.counters = counters
        self._counting = Counting(counters, FixedWindowRateLimiter)

    async def wait(self, item: RateLimitItem, *key: str) -> int:
        """Returns the seconds until the next use is allowed; 0 when it is allowed now."""
        return await self._seconds(FixedWindowRateLimiter.test, item, *key)

    async def take(self, item: RateLimitItem, *key: str) -> int:
        """Counts one use, atomically; returns 0 when it is allowed, else the seconds until the next one is."""
        return await self._seconds(FixedWindowRateLimiter.hit, item, *key)

    async def count(self, item: RateLimitItem, *key: str) -> None:
        """Counts one use, whether or not it is allowed."""
        await self._counting.call(lambda limiter: limiter.hit(item, *key))

    async def clear(self, item: RateLimitItem, *key: str) -> None:
        """Resets the count."""
        await self._counting.call(lambda limiter: limiter.clear(item, *key))

    async def _seconds(self, allows: Callable[..., Awaitable[bool]], item: RateLimitItem, *key: str) -> int:
        """Returns 0 when the limiter allows a use, else the seconds until the window ends, at least 1."""

        async def operation(limiter: FixedWindowRateLimiter) -> int:
            if await allows(limiter, item, *key):
                return 0
            stats = await limiter.get_window_stats(item, *key)
            return max(1, math.ceil(stats.reset_time - time.time()))

        return await self._counting.call(operation)


@asynccontextmanager
async def open_limits(settings: Settings, telemetry: Telemetry) -> AsyncIterator[Limits]:
    """Opens the limits of this process, which connect to Redis at their first use."""
    address, metrics = settings.redis, telemetry.metrics(LimitMetrics)
    if address is None:
        yield Limits(Counters(None, metrics))
        return
    from limits.aio.storage import RedisStorage  # noqa: PLC0415 -- with the client, 5 MB that an embedded shop saves

    from app.infra.redis.pool import open_pool  # noqa: PLC0415

    # Waits for a free connection: a pool that refuses would make a burst of requests look like an outage.
    async with open_pool(address, CONNECTIONS) as pool:
        storage = RedisStorage("async+redis://", implementation="redispy", connection_pool=pool)  # type: ignore[arg-type]
        record_commands(storage.bridge.get_connection(), telemetry.tracing)  # type: ignore[attr-defined]
        yield Limits(Counters(storage, metrics, telemetry.dependencies))
