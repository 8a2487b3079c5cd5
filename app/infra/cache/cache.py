"""The cache: concurrent requests for a missing value make it once, and a write invalidates it."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from typing import Final

from app.infra.cache.memory import Memory
from app.infra.cache.redis import LOCK_SECONDS, SharedStore
from app.infra.cache.store import FillLock, Store
from app.settings import Settings
from app.telemetry.metrics import CacheMetrics
from app.telemetry.telemetry import Telemetry

TRIES: Final = 3  # to make a value that is invalidated each time before it is stored
POLL_SECONDS: Final = 0.02
CONNECTIONS: Final = 50
Make = Callable[[], Awaitable[bytes]]


class Cache:
    """Bytes by key. The part of a key before its first colon names the cache in the metrics.

    A key has a value for each `representation`, and is deleted with all of them. An outage of Redis is never an error:
    values are made without it.
    """

    def __init__(self, store: Store, metrics: CacheMetrics) -> None:
        self._store = store
        self._metrics = metrics
        self._flights: dict[str, dict[str, asyncio.Task[bytes]]] = {}

    async def get(self, key: str, representation: str = "value") -> bytes | None:
        """Returns the value; None when there is none."""
        value = await self._store.read(key, representation)
        self._count(key, found=value is not None)
        return value

    async def older(self, key: str) -> bytes | None:
        """Returns a value to fall back on when none could be made, uncounted; call `stale` when it is used."""
        return await self._store.read(key, "value")

    def stale(self, key: str) -> None:
        """Counts the use of an older value."""
        self._metrics.stale[key.partition(":")[0]].inc()

    async def set(self, key: str, value: bytes, seconds: float, *, representation: str = "value") -> None:
        """Stores a value for at most so many seconds, in place of any other."""
        await self._store.set(key, representation, value, seconds)

    async def get_or_make(self, key: str, make: Make, seconds: float, *, representation: str = "value") -> bytes:
        """Returns the value; makes and stores it when it is missing. Raises what `make` raises.

        Concurrent calls make it once in this process, and once in all replicas unless that takes LOCK_SECONDS.
        A value that is deleted while it is made is made again: no call after a deletion returns what was read before.
        """
        value = await self._store.read(key, representation)
        self._count(key, found=value is not None)
        if value is not None:
            return value
        flights = self._flights.setdefault(key, {})
        flight = flights.get(representation)
        if flight is None:
            # A task of its own: the first caller may be cancelled before the others have their value.
            flight = flights[representation] = asyncio.create_task(
                self._make(key, representation, make, seconds), name=f"make {key}"
            )
            flight.add_done_callback(partial(self._landed, key, representation))
        return await asyncio.shield(flight)

    async def delete(self, key: str) -> None:
        """Deletes a key with all its representations; call it after the commit that changed the value."""
        self._flights.pop(key, None)  # later calls must not share a value that was read before
        await self._store.delete(key)

    async def close(self) -> None:
        """Cancels the making of values."""
        flights = [flight for by_representation in self._flights.values() for flight in by_representation.values()]
        for flight in flights:
            flight.cancel()
        await asyncio.gather(*flights, return_exceptions=True)

    async def _make(self, key: str, representation: str, make: Make, seconds: float) -> bytes:
        for _ in range(TRIES):
            lock = await self._lock(key, representation, seconds)
            if lock.value is not None:
                return lock.value
            try:
                value = await make()
            except BaseException:
                await self._store.release(key, representation)
                raise
            if await self._store.put(key, representation, lock.version, value):
                break
        return value

    async def _lock(self, key: str, representation: str, seconds: float) -> FillLock:
        """Acquires the lock, or waits for the replica that has it, at most LOCK_SECONDS."""
        ends = time.monotonic() + LOCK_SECONDS
        while True:
            lock = await self._store.acquire(key, representation, seconds)
            if lock.value is not None or lock.acquired or time.monotonic() >= ends:
                return lock
            await asyncio.sleep(POLL_SECONDS)

    def _landed(self, key: str, representation: str, flight: asyncio.Task[bytes]) -> None:
        if not flight.cancelled():
            flight.exception()  # retrieved, so that asyncio does not log it when every caller was cancelled
        flights = self._flights.get(key, {})
        if flights.get(representation) is flight:
            del flights[representation]
            if not flights:
                del self._flights[key]

    def _count(self, key: str, *, found: bool) -> None:
        metrics = self._metrics
        series = metrics.hits if found else metrics.misses if self._store.available else metrics.errors
        series[key.partition(":")[0]].inc()


@asynccontextmanager
async def open_cache(settings: Settings, telemetry: Telemetry) -> AsyncIterator[Cache]:
    """Opens the cache of this process, which connects to Redis at its first use."""
    metrics = telemetry.metrics(CacheMetrics)
    async with AsyncExitStack() as stack:
        store: Store = Memory()
        if settings.redis is not None:
            from app.infra.redis.pool import open_client  # noqa: PLC0415 -- redis-py takes 5 MB

            client = await stack.enter_async_context(open_client(settings.redis, CONNECTIONS, telemetry.tracing))
            store = SharedStore(client, telemetry.dependencies, metrics.is_damaged)
        cache = Cache(store, metrics)
        stack.push_async_callback(cache.close)
        yield cache
