"""The cache in memory and in Redis: lifetime, invalidation, and single-flight loading."""

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import redis as redis_client
from prometheus_client import CollectorRegistry

from app.infra.cache import Cache, open_cache
from app.infra.cache import redis as shared
from app.infra.cache.memory import Memory
from app.infra.redis import calls
from app.settings import Settings, read
from tests.support import servers
from tests.support.telemetry import metered

pytestmark = pytest.mark.anyio

KEY = "items:1"


@dataclass(slots=True)
class Source:
    """Source of cached values. A loader reads the text, then waits for the gate."""

    text: str = "old"
    made: int = 0
    reading: asyncio.Event = field(default_factory=asyncio.Event)
    gate: asyncio.Event = field(default_factory=asyncio.Event)

    async def make(self) -> bytes:
        self.made += 1
        text = self.text
        self.reading.set()
        await self.gate.wait()
        return text.encode()


@dataclass(slots=True)
class Replica:
    """The cache of one process of the shop."""

    cache: Cache
    registry: CollectorRegistry

    def counted(self, outcome: str) -> float | None:
        return self.registry.get_sample_value("cache_requests_total", {"cache": "items", "outcome": outcome})


Open = Callable[[Settings], Awaitable[Replica]]


@pytest.fixture
async def opened(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Open]:
    # On a slow machine an available Redis may take longer than the timeout for an unavailable one.
    monkeypatch.setattr("app.infra.redis.pool.REDIS_SECONDS", 10.0)
    async with AsyncExitStack() as stack:

        async def new(settings: Settings) -> Replica:
            registry = CollectorRegistry()
            return Replica(await stack.enter_async_context(open_cache(settings, metered(settings, registry))), registry)

        yield new


def _settings(redis_url: str) -> Settings:
    return read(redis_url=redis_url, database_url="postgresql://127.0.0.1:9/none", _env_file=None)


@pytest.fixture(params=["memory", "redis"])
async def replica(request: pytest.FixtureRequest, opened: Open) -> Replica:
    if request.param == "memory":
        return await opened(read(_env_file=None))
    return await opened(_settings(request.getfixturevalue("redis_url")))


async def _never() -> bytes:
    raise AssertionError("nobody should make this")


async def test_a_value_is_kept_by_key_and_representation_until_it_is_deleted(replica: Replica) -> None:
    source = Source()
    source.gate.set()
    cache = replica.cache
    assert await cache.get(KEY) is None
    for form in ("v1", "v2"):
        assert await cache.get_or_make(KEY, source.make, 60, representation=form) == b"old"
        assert await cache.get_or_make(KEY, _never, 60, representation=form) == b"old"
    assert (source.made, replica.counted("miss"), replica.counted("hit")) == (2, 3, 2)
    source.text = "new"
    await cache.delete(KEY)
    await cache.delete("items:2")
    for form in ("v1", "v2"):
        assert await cache.get(KEY, form) is None
        assert await cache.get_or_make(KEY, source.make, 60, representation=form) == b"new"
    await cache.set(KEY, b"\x00set", 60)
    assert await cache.get(KEY) == b"\x00set"
    assert await cache.get(KEY, "v1") is None, "what is set replaces the whole entry"
    assert replica.counted("error") == 0


async def test_a_value_expires_by_its_age(replica: Replica) -> None:
    source = Source()
    source.gate.set()
    await replica.cache.set("items:2", b"short", 0.05)
    assert await replica.cache.get_or_make(KEY, source.make, 0.2) == b"old"
    source.text = "new"
    async with asyncio.timeout(5):
        while await replica.cache.get_or_make(KEY, source.make, 60) == b"old":  # noqa: ASYNC110 -- waits for time to pass
            await asyncio.sleep(0.02)
    assert source.made == 2
    assert await replica.cache.get("items:2") is None


async def test_of_fifty_concurrent_requests_one_loads_the_value(replica: Replica) -> None:
    source = Source()
    pending = [asyncio.create_task(replica.cache.get_or_make(KEY, source.make, 60)) for _ in range(50)]
    await source.reading.wait()
    pending[0].cancel()  # the first caller is cancelled; the load it started serves the others too
    source.gate.set()
    answers = await asyncio.gather(*pending, return_exceptions=True)
    assert isinstance(answers[0], asyncio.CancelledError)
    assert answers[1:] == [b"old"] * 49
    assert source.made == 1


async def test_an_error_of_the_loader_reaches_all_waiting_callers_and_is_not_cached(replica: Replica) -> None:
    source = Source()

    async def fail() -> bytes:
        await source.make()
        raise LookupError("no such thing")

    pending = [asyncio.create_task(replica.cache.get_or_make(KEY, fail, 60)) for _ in range(5)]
    await source.reading.wait()
    source.gate.set()
    assert [type(error) for error in await asyncio.gather(*pending, return_exceptions=True)] == [LookupError] * 5
    assert source.made == 1
    async with asyncio.timeout(shared.LOCK_SECONDS / 2):  # the fill lock was released, not left to expire
        assert await replica.cache.get_or_make(KEY, source.make, 60) == b"old"


async def test_a_value_read_before_a_write_is_neither_cached_nor_returned_to_later_callers(replica: Replica) -> None:
    source = Source()
    before = asyncio.create_task(replica.cache.get_or_make(KEY, source.make, 60))
    await source.reading.wait()
    source.text = "new"
    await replica.cache.delete(KEY)
    after = asyncio.create_task(replica.cache.get_or_make(KEY, source.make, 60))
    await asyncio.sleep(0)
    source.gate.set()
    assert await after == b"new"
    assert await before == b"new", "it is made again, since what it read was gone before it was put"
    assert await replica.cache.get(KEY) == b"new"


async def test_a_value_that_is_written_during_every_load_is_returned_but_not_cached(replica: Replica) -> None:
    made = 0

    async def make() -> bytes:
        nonlocal made
        made += 1
        await replica.cache.delete(KEY)
        return b"%d" % made

    assert await replica.cache.get_or_make(KEY, make, 60) == b"3"
    assert await replica.cache.get(KEY) is None


async def test_of_two_replicas_one_loads_and_the_other_reads_the_cached_value(opened: Open, redis_url: str) -> None:
    one, other = [await opened(_settings(redis_url)) for _ in range(2)]
    source = Source()
    pending = [asyncio.create_task(replica.cache.get_or_make(KEY, source.make, 60)) for replica in (one, other)]
    await source.reading.wait()
    await asyncio.wait(pending, timeout=0.1)
    source.gate.set()
    assert await asyncio.gather(*pending) == [b"old", b"old"]
    assert source.made == 1


async def test_a_write_of_one_replica_invalidates_a_load_in_progress_of_another(opened: Open, redis_url: str) -> None:
    one, other = [await opened(_settings(redis_url)) for _ in range(2)]
    source = Source()
    reading = asyncio.create_task(one.cache.get_or_make(KEY, source.make, 60))
    await source.reading.wait()
    source.text = "new"
    await other.cache.delete(KEY)
    source.gate.set()
    assert await reading == b"new"
    assert [await replica.cache.get(KEY) for replica in (one, other)] == [b"new", b"new"]


async def test_a_loader_that_dies_is_awaited_for_a_bounded_time(
    opened: Open, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shared, "LOCK_SECONDS", 0.2)
    one, other = [await opened(_settings(redis_url)) for _ in range(2)]
    hanging, source = Source(), Source("alive")
    source.gate.set()
    dead = asyncio.create_task(one.cache.get_or_make(KEY, hanging.make, 60))
    await hanging.reading.wait()
    assert await other.cache.get_or_make(KEY, source.make, 60) == b"alive"
    hanging.gate.set()
    assert await dead == b"old"


@pytest.mark.parametrize("stored", [b"", b"x", b"7", b"\xff" * 20, b"1\n{}", "a string", "a list"])
async def test_a_corrupt_entry_is_dropped_and_loaded_again(opened: Open, redis_url: str, stored: bytes | str) -> None:
    replica = await opened(_settings(redis_url))
    source = Source()
    source.gate.set()
    await replica.cache.get_or_make(KEY, source.make, 60)
    with redis_client.Redis.from_url(redis_url) as admin:
        if isinstance(stored, bytes):
            admin.hset("cache:{items:1}", "value:crc32", stored)
        else:
            admin.delete("cache:{items:1}")
            admin.rpush("cache:{items:1}", "x") if "list" in stored else admin.set("cache:{items:1}", "x")
    source.text = "new"
    assert await replica.cache.get_or_make(KEY, source.make, 60) == b"new"
    assert await replica.cache.get_or_make(KEY, _never, 60) == b"new"
    assert replica.registry.get_sample_value("cache_damaged_entries_total", {"cache": "items"}) == 1
    assert replica.counted("error") == 0


async def test_closing_the_cache_cancels_loads_and_waits_for_their_end(opened: Open, redis_url: str) -> None:
    replica = await opened(_settings(redis_url))
    source, ended = Source(), False

    async def make() -> bytes:
        nonlocal ended
        try:
            return await source.make()
        finally:
            await asyncio.sleep(0.05)
            ended = True

    pending = asyncio.create_task(replica.cache.get_or_make(KEY, make, 60))
    await source.reading.wait()
    await replica.cache.close()
    assert ended, "what it uses is closed next"
    assert isinstance((await asyncio.gather(pending, return_exceptions=True))[0], asyncio.CancelledError)


async def test_a_hit_is_one_redis_command(opened: Open, redis_url: str) -> None:
    replica = await opened(_settings(redis_url))
    await replica.cache.set(KEY, b"kept", 60)
    with redis_client.Redis.from_url(redis_url) as admin:
        before = admin.info("stats")["total_commands_processed"]
        assert await replica.cache.get_or_make(KEY, _never, 60) == b"kept"
        after = admin.info("stats")["total_commands_processed"]
    assert after - before == 2, "the other one is the INFO before it"


async def test_writes_during_a_redis_outage_are_invalidated_afterwards(
    opened: Open, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.infra.redis.pool.REDIS_SECONDS", 0.25)
    source = Source()
    source.gate.set()
    with servers.redis(tmp_path) as url:
        replica = await opened(_settings(url))
        cache = replica.cache
        assert await cache.get_or_make(KEY, source.make, 60) == b"old"
        with redis_client.Redis.from_url(url) as admin:
            admin.client_pause(2000)  # it accepts connections and never answers
            source.text = "new"
            await cache.delete(KEY)
            asked = asyncio.get_running_loop().time()
            answers = await asyncio.gather(*(cache.get_or_make(KEY, source.make, 60) for _ in range(20)))
            assert asyncio.get_running_loop().time() - asked < 0.2, "it is left alone"
            assert (answers, source.made) == ([b"new"] * 20, 2)
            await cache.set("items:3", b"lost", 60)
            assert await cache.get("items:3") is None
            admin.client_unpause()
            assert admin.hget("cache:{items:1}", "value:crc32").endswith(b"old")
        monkeypatch.setattr(calls, "time", _Later())
        assert await cache.get_or_make(KEY, source.make, 60) == b"new", "not what lay in Redis"
        assert (source.made, replica.counted("error")) == (3, 21)
    monkeypatch.undo()


async def test_an_unavailable_redis_is_no_error_at_the_start(opened: Open) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        replica = await opened(_settings(f"redis://127.0.0.1:{taken.getsockname()[1]}"))
        assert await replica.cache.get(KEY) is None
        assert replica.counted("error") == 1


class _Later:
    """A clock that is one minute ahead."""

    @staticmethod
    def monotonic() -> float:
        return asyncio.get_running_loop().time() + 60


async def test_memory_is_bounded_in_entries_and_in_bytes() -> None:
    memory = Memory(entries=3, size=100)
    for number in range(4):
        await memory.set(str(number), "value", b"x", 60)
        await memory.read("0", "value")
    assert [await memory.read(str(number), "value") for number in range(4)] == [b"x", None, b"x", b"x"]
    await memory.set("large", "value", b"x" * 99, 60)
    assert [await memory.read(key, "value") for key in ("0", "3")] == [None, b"x"]
    await memory.set("too large", "value", b"x" * 101, 60)
    assert await memory.read("too large", "value") is None
    for number in range(1000):
        await memory.set("again", "value", b"x" * (number % 50), 60)
        await memory.delete("again")
    assert memory._bytes == sum(entry.size for entry in memory._entries.values())
