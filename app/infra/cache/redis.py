"""Values in Redis, for all replicas. A Redis that is gone is left alone for a while, and never an error.

An entry is a hash, its version the field without a name. A hit is one HGET. A value follows its checksum, since what
comes out of Redis is input: a damaged entry is deleted, and the value made again.
"""

import asyncio
import time
import zlib
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, Final, TypeVar, cast
from uuid import uuid4

import structlog

from app.infra.cache.store import Turn
from app.infra.redis.calls import RETRY_SECONDS, calls_of, is_damage, outcome

if TYPE_CHECKING:
    from redis.asyncio import Redis

    from app.telemetry.metrics import DependencyMetrics

TURN_SECONDS: Final = 2.0  # a maker that takes longer is taken for dead
MISSED_KEYS: Final = 10_000
CHECKSUM_BYTES: Final = 4
# Part of a field's name, so that replicas of a release without checksums neither read these values nor put theirs here.
CHECKED: Final = "crc32"
T = TypeVar("T")

# KEYS: entry, turn. ARGV: form, new version, life of the entry, life of the turn, in milliseconds.
_BEGIN: Final = """
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
# KEYS: entry, turn. ARGV: form, version, value.
_PUT: Final = """
redis.call('DEL', KEYS[2])
if redis.call('HGET', KEYS[1], '') ~= ARGV[2] then return 0 end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[3])
return 1
"""
# KEYS: entry. ARGV: form, version, value, life of the entry in milliseconds.
_SET: Final = """
redis.call('DEL', KEYS[1])
redis.call('HSET', KEYS[1], '', ARGV[2], ARGV[1], ARGV[3])
redis.call('PEXPIRE', KEYS[1], ARGV[4])
"""


class SharedStore:
    """A store for all replicas.

    What was deleted while Redis was gone is deleted before it is asked anything again, so that no old value comes back.
    """

    def __init__(
        self,
        client: "Redis",
        metrics: "DependencyMetrics | None" = None,
        count_damaged: Callable[[str], None] | None = None,
    ) -> None:
        self._client = client
        self._count_damaged = count_damaged
        self._calls = calls_of("cache", metrics)
        self._begin, self._put, self._set = map(client.register_script, (_BEGIN, _PUT, _SET))
        self._away_until = 0.0
        self._missed: dict[str, None] = {}
        self._mending = asyncio.Lock()

    @property
    def answers(self) -> bool:
        return time.monotonic() >= self._away_until

    async def read(self, key: str, form: str) -> bytes | None:
        value: bytes | None = await self._ask(
            lambda: cast("Any", self._client.hget(_entry(key), _field(form))), None, key
        )
        return None if value is None else await self._checked(key, value)

    async def begin(self, key: str, form: str, seconds: float) -> Turn:
        arguments: list[Any] = [_field(form), uuid4().bytes, int(seconds * 1000), int(TURN_SECONDS * 1000)]
        answer: list[Any] | None = await self._ask(
            lambda: self._begin(keys=[_entry(key), _turn(key, form)], args=arguments), None, key
        )
        if answer is None:
            return Turn(None)
        version, mine, *values = answer
        if not values:
            return Turn(version, bool(mine))
        value = await self._checked(key, values[0])
        return Turn(version, mine=False, value=value) if value is not None else Turn(None)

    async def put(self, key: str, form: str, version: bytes | None, value: bytes) -> bool:
        if version is None:
            return True
        keys = [_entry(key), _turn(key, form)]
        return bool(await self._ask(lambda: self._put(keys=keys, args=[_field(form), version, _sealed(value)]), 1, key))

    async def give_up(self, key: str, form: str) -> None:
        await self._ask(lambda: self._client.delete(_turn(key, form)), None)

    async def set(self, key: str, form: str, value: bytes, seconds: float) -> None:
        arguments: list[Any] = [_field(form), uuid4().bytes, _sealed(value), int(seconds * 1000)]
        await self._ask(lambda: self._set(keys=[_entry(key)], args=arguments), None, key)

    async def delete(self, key: str) -> None:
        entry, deleted = _entry(key), False

        async def forget() -> bool:
            await self._client.delete(entry)
            return True

        try:
            deleted = await self._ask(forget, otherwise=False)
        finally:
            if not deleted:
                self._missed[entry] = None
        if len(self._missed) > MISSED_KEYS:
            self._missed.pop(next(iter(self._missed)))  # it ends by its age

    async def _checked(self, key: str, stored: bytes) -> bytes | None:
        """The value of what is stored; None when that is damaged."""
        value = stored[CHECKSUM_BYTES:]
        if len(stored) >= CHECKSUM_BYTES and stored == _sealed(value):
            return value
        await self._drop(key, "checksum")
        return None

    async def _drop(self, key: str, cause: str) -> None:
        cache = key.partition(":")[0]
        structlog.get_logger().warning("cache_entry_damaged", cause=cause)
        if self._count_damaged is not None:
            self._count_damaged(cache)
        await self.delete(key)

    async def _ask(self, operation: Callable[[], Awaitable[T]], otherwise: T, key: str | None = None) -> T:
        """Asks Redis; the answer is `otherwise` while it is gone, and where the entry of `key` is damaged."""
        if not self.answers:
            return otherwise
        started = self._calls.begin()
        try:
            if self._missed or self._mending.locked():
                await self._mend()
            answer = await operation()
        except Exception as error:
            self._calls.ended(started, outcome(error))
            if key is not None and is_damage(error):
                await self._drop(key, type(error).__name__)
                return otherwise
            if not _is_outage(error):
                raise
            if self.answers:  # not every call that was under way
                self._away_until = time.monotonic() + RETRY_SECONDS
                structlog.get_logger().warning("cache_left_alone", seconds=RETRY_SECONDS, cause=repr(error))
            return otherwise
        self._calls.ended(started)
        return answer

    async def _mend(self) -> None:
        async with self._mending:
            missed, self._missed = self._missed, {}
            try:
                if missed:
                    await self._client.delete(*missed)
            except BaseException:
                self._missed |= missed
                raise


# The braces keep an entry and its turns on one node of a cluster.
def _entry(key: str) -> str:
    return f"cache:{{{key}}}"


def _turn(key: str, form: str) -> str:
    return f"cache:{{{key}}}:{form}:turn"


def _field(form: str) -> str:
    return f"{form}:{CHECKED}"


def _sealed(value: bytes) -> bytes:
    return zlib.crc32(value).to_bytes(CHECKSUM_BYTES, "big") + value


def _is_outage(error: Exception) -> bool:
    from redis import RedisError  # noqa: PLC0415 -- with the client, 5 MB that an embedded shop saves

    return isinstance(error, (RedisError, OSError, TimeoutError))
