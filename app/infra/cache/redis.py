"""A store in Redis, for all replicas. An outage is never an error: Redis is skipped for a while.

An entry is a hash, with its version in the field without a name. A hit is one HGET. Each value is stored behind its
checksum, since data from Redis is input: a damaged entry is deleted, and its value made again.
"""

import asyncio
import zlib
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, Final, TypeVar
from uuid import uuid4

import structlog

from app.infra.cache.store import FillLock
from app.infra.redis.calls import RETRY_SECONDS, Pause, calls_of, is_damage, outcome
from app.telemetry.metrics import DependencyMetrics

if TYPE_CHECKING:
    from redis.asyncio import Redis

LOCK_SECONDS: Final = 2.0  # after which a replica that makes a value is presumed dead
MAX_MISSED_KEYS: Final = 10_000
CHECKSUM_BYTES: Final = 4
# Part of each field's name, so that a release without checksums neither reads these values nor stores its own here.
CHECKED: Final = "crc32"
T = TypeVar("T")

# KEYS: entry, lock. ARGV: field, new version, then the lifetimes of entry and lock in milliseconds.
_ACQUIRE: Final = """
local value = redis.call('HGET', KEYS[1], ARGV[1])
if value then return {'', 0, value} end
local version = redis.call('HGET', KEYS[1], '')
if not version then
  version = ARGV[2]
  redis.call('HSET', KEYS[1], '', version)
  redis.call('PEXPIRE', KEYS[1], ARGV[3])
end
return {version, redis.call('SET', KEYS[2], '', 'NX', 'PX', ARGV[4]) and 1 or 0}
"""
# KEYS: entry, lock. ARGV: field, version, value.
_PUT: Final = """
redis.call('DEL', KEYS[2])
if redis.call('HGET', KEYS[1], '') ~= ARGV[2] then return 0 end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[3])
return 1
"""
# KEYS: entry. ARGV: field, version, value, lifetime of the entry in milliseconds.
_SET: Final = """
redis.call('DEL', KEYS[1])
redis.call('HSET', KEYS[1], '', ARGV[2], ARGV[1], ARGV[3])
redis.call('PEXPIRE', KEYS[1], ARGV[4])
"""


class SharedStore:
    """A store for all replicas. Repeats deletions that failed in an outage before the next operation reads."""

    def __init__(self, client: "Redis", metrics: DependencyMetrics, count_damaged: Callable[[str], None]) -> None:
        self._client = client
        self._count_damaged = count_damaged
        self._calls = calls_of("cache", metrics)
        self._acquire, self._put, self._set = map(client.register_script, (_ACQUIRE, _PUT, _SET))
        self._pause = Pause()
        self._missed: dict[str, None] = {}
        self._repeating = asyncio.Lock()

    @property
    def available(self) -> bool:
        return not self._pause.active

    async def read(self, key: str, representation: str) -> bytes | None:
        value: Any = await self._call(lambda: self._client.hget(_entry(key), _field(representation)), None, key)
        return None if value is None else await self._checked(key, value)

    async def acquire(self, key: str, representation: str, seconds: float) -> FillLock:
        arguments: list[Any] = [_field(representation), uuid4().bytes, int(seconds * 1000), int(LOCK_SECONDS * 1000)]
        answer: list[Any] | None = await self._call(
            lambda: self._acquire(keys=[_entry(key), _lock(key, representation)], args=arguments), None, key
        )
        if answer is None:
            return FillLock(None)
        version, acquired, *values = answer
        if not values:
            return FillLock(version, bool(acquired))
        value = await self._checked(key, values[0])
        return FillLock(version, acquired=False, value=value) if value is not None else FillLock(None)

    async def put(self, key: str, representation: str, version: bytes | None, value: bytes) -> bool:
        if version is None:
            return True
        keys = [_entry(key), _lock(key, representation)]
        arguments: list[Any] = [_field(representation), version, _sealed(value)]
        return bool(await self._call(lambda: self._put(keys=keys, args=arguments), 1, key))

    async def release(self, key: str, representation: str) -> None:
        await self._call(lambda: self._client.delete(_lock(key, representation)), None)

    async def set(self, key: str, representation: str, value: bytes, seconds: float) -> None:
        arguments: list[Any] = [_field(representation), uuid4().bytes, _sealed(value), int(seconds * 1000)]
        await self._call(lambda: self._set(keys=[_entry(key)], args=arguments), None, key)

    async def delete(self, key: str) -> None:
        entry = _entry(key)
        deleted: int | None = None
        try:
            deleted = await self._call(lambda: self._client.delete(entry), None)
        finally:
            if deleted is None:
                self._missed[entry] = None
        if len(self._missed) > MAX_MISSED_KEYS:
            self._missed.pop(next(iter(self._missed)))  # its entry expires

    async def _checked(self, key: str, stored: bytes) -> bytes | None:
        """Returns the value behind a checksum; None when the two do not match."""
        value = stored[CHECKSUM_BYTES:]
        if len(stored) >= CHECKSUM_BYTES and stored == _sealed(value):
            return value
        await self._drop(key, "checksum")
        return None

    async def _drop(self, key: str, cause: str) -> None:
        structlog.get_logger().warning("cache_entry_damaged", cause=cause)
        self._count_damaged(key.partition(":")[0])
        await self.delete(key)

    async def _call(self, operation: Callable[[], Awaitable[T]], otherwise: T, key: str | None = None) -> T:
        """Calls Redis; returns `otherwise` during an outage, and when the entry of `key` is damaged."""
        if not self.available:
            return otherwise
        started = self._calls.begin()
        try:
            if self._missed or self._repeating.locked():
                await self._repeat_deletions()
            answer = await operation()
        except Exception as error:  # noqa: BLE001 -- `begin` raises what is no outage
            self._calls.ended(started, outcome(error))
            if key is not None and is_damage(error):
                await self._drop(key, type(error).__name__)
                return otherwise
            if self._pause.begin(error):
                structlog.get_logger().warning("cache_left_alone", seconds=RETRY_SECONDS, cause=repr(error))
            return otherwise
        self._calls.ended(started)
        return answer

    async def _repeat_deletions(self) -> None:
        async with self._repeating:
            missed, self._missed = self._missed, {}
            try:
                if missed:
                    await self._client.delete(*missed)
            except BaseException:
                self._missed |= missed
                raise


# The braces keep an entry and its locks on one node of a cluster.
def _entry(key: str) -> str:
    return f"cache:{{{key}}}"


def _lock(key: str, representation: str) -> str:
    return f"cache:{{{key}}}:{representation}:lock"


def _field(representation: str) -> str:
    return f"{representation}:{CHECKED}"


def _sealed(value: bytes) -> bytes:
    return zlib.crc32(value).to_bytes(CHECKSUM_BYTES, "big") + value
