"""The cache: a value is made once for all who want it, and a write makes it anew."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING, Final

from app.infra.cache.memory import Memory
from app.infra.cache.redis import TURN_SECONDS, SharedStore
from app.telemetry.clients.redis import record_commands
from app.telemetry.metrics import CacheMetrics

if TYPE_CHECKING:
    from app.infra.cache.store import Store, Turn
    from app.settings import Settings
    from app.telemetry.telemetry import Telemetry

TRIES: Final = 3  # of a value that is written each time while it is made
POLL_SECONDS: Final = 0.02
CONNECTIONS: Final = 50
Make = Callable[[], Awaitable[bytes]]


class Cache:
    """Bytes by key. What stands before a key's first colon names its cache in the metrics.

    `form` tells apart several values of one thing, which a deletion of the key deletes together. A Redis that is gone
    is never an error: the value is made.
    """

    def __init__(self, store: "Store", metrics: CacheMetrics) -> None:
        self._store = store
        self._metrics = metrics
        self._flights: dict[str, dict[str, asyncio.Task[bytes]]] = {}

    async def get(self, key: str, form: str = "value") -> bytes | None:
        """The value, None when there is none."""
        value = await self._store.read(key, form)
        self._count(key, found=value is not None)
        return value

    async def older(self, key: str) -> bytes | None:
        """An older value, to be given where none could be made; who gives it says so with `stale`."""
        return await self._store.read(key, "value")

    def stale(self, key: str) -> None:
        """Counts that an older value was given."""
        self._metrics.stale[key.partition(":")[0]].inc()

    async def set(self, key: str, value: bytes, seconds: float, *, form: str = "value") -> None:
        """Keeps a value for so long at most, whatever was there."""
        await self._store.set(key, form, value, seconds)

    async def get_or_make(self, key: str, make: Make, seconds: float, *, form: str = "value") -> bytes:
        """The value, made and kept unless it is there. Raises what `make` raises.

        Of all who want it at once in this process one makes it, and of all replicas one, unless that takes 2 s. What
        was deleted while it was made is made again: nobody who asks after a deletion gets what was read before it.
        """
        value = await self._store.read(key, form)
        self._count(key, found=value is not None)
        if value is not None:
            return value
        flights = self._flights.setdefault(key, {})
        flight = flights.get(form)
        if flight is None:
            # A task of its own: the one who asked first may leave before the others have their answer.
            flight = flights[form] = asyncio.create_task(self._make(key, form, make, seconds), name=f"make {key}")
            flight.add_done_callback(partial(self._landed, key, form))
        return await asyncio.shield(flight)

    async def delete(self, key: str) -> None:
        """Forgets a key in all its forms; call it after the commit of what changed the value."""
        self._flights.pop(key, None)  # who asks from now on does not join who read before
        await self._store.delete(key)

    async def close(self) -> None:
        """Ends what is being made."""
        flights = [flight for forms in self._flights.values() for flight in forms.values()]
        for flight in flights:
            flight.cancel()
        await asyncio.gather(*flights, return_exceptions=True)

    async def _make(self, key: str, form: str, make: Make, seconds: float) -> bytes:
        for _ in range(TRIES):
            turn = await self._turn(key, form, seconds)
            if turn.value is not None:
                return turn.value
            try:
                value = await make()
            except BaseException:
                await self._store.give_up(key, form)
                raise
            if await self._store.put(key, form, turn.version, value):
                break
        return value

    async def _turn(self, key: str, form: str, seconds: float) -> "Turn":
        """Waits while another replica makes the value, as long as one may take that is alive."""
        turn = await self._store.begin(key, form, seconds)
        ends = asyncio.get_running_loop().time() + TURN_SECONDS
        while turn.value is None and not turn.mine and asyncio.get_running_loop().time() < ends:
            await asyncio.sleep(POLL_SECONDS)
            turn = await self._store.begin(key, form, seconds)
        return turn

    def _landed(self, key: str, form: str, flight: asyncio.Task[bytes]) -> None:
        if not flight.cancelled():
            flight.exception()  # those who waited have it; if they all left, it is nobody's
        flights = self._flights.get(key, {})
        if flights.get(form) is flight:
            del flights[form]
            if not flights:
                del self._flights[key]

    def _count(self, key: str, *, found: bool) -> None:
        series = self._metrics.hits if found else self._metrics.misses if self._store.answers else self._metrics.errors
        series[key.partition(":")[0]].inc()


@asynccontextmanager
async def open_cache(settings: "Settings", telemetry: "Telemetry") -> AsyncIterator[Cache]:
    """Opens the cache of this process, which connects to Redis at the first use."""
    address, metrics = settings.redis, telemetry.metrics(CacheMetrics)
    if address is None:
        cache = Cache(Memory(), metrics)
        try:
            yield cache
        finally:
            await cache.close()
        return
    from redis.asyncio import Redis  # noqa: PLC0415 -- 5 MB that an embedded shop saves

    from app.infra.redis.pool import open_pool  # noqa: PLC0415

    async with Redis.from_pool(open_pool(address, CONNECTIONS)) as client:
        record_commands(client, telemetry.tracing)
        cache = Cache(SharedStore(client, telemetry.dependencies, metrics.is_damaged), metrics)
        try:
            yield cache
        finally:
            await cache.close()
