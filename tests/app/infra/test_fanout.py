"""Publish and subscribe: to every subscriber in every process, despite a Redis outage or a slow subscriber."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry

from app.infra.fanout import Fanout, Message, SlowReaderError, open_fanout
from app.settings import Settings, read
from app.telemetry.metrics import FanoutMetrics
from tests.support.ports import free_port
from tests.support.servers import own_redis
from tests.support.telemetry import metered

pytestmark = pytest.mark.anyio
PATIENCE = 20.0


@pytest.fixture(params=["memory", "redis"])
async def fanout(request: pytest.FixtureRequest) -> AsyncIterator[Fanout]:
    """A fan-out on each back end."""
    redis = {"redis_url": request.getfixturevalue("redis_url")} if request.param == "redis" else {}
    settings = _settings(**redis)
    async with open_fanout(settings, metered(settings)) as opened:
        yield opened


def _settings(**values: object) -> Settings:
    postgresql = {"database_url": "postgresql://localhost/none"} if values else {}
    return read(_env_file=None, **postgresql, **values)


async def test_every_subscriber_of_a_channel_gets_its_messages_in_order_and_no_others(fanout: Fanout) -> None:
    async with fanout.subscribe("a") as one, fanout.subscribe("a", "b") as both, fanout.subscribe("c") as other:
        for channel, content in (("a", b"1"), ("b", b"2"), ("d", b"0"), ("a", b"\x00\xff")):
            await fanout.publish(channel, content)
        assert [await anext(one) for _ in range(2)] == [Message("a", b"1"), Message("a", b"\x00\xff")]
        assert [(await anext(both)).content for _ in range(3)] == [b"1", b"2", b"\x00\xff"]
        for reader in (one, both, other):
            assert await reader.within(0.2) is None, "each message comes once"


async def test_after_unsubscribing_no_messages_arrive_and_subscribing_again_works(fanout: Fanout) -> None:
    async with fanout.subscribe("a") as left:
        pass
    await fanout.publish("a", b"1")
    async with fanout.subscribe("a") as reader:
        await fanout.publish("a", b"2")
        assert await anext(reader) == Message("a", b"2")
    assert await left.within(0.05) is None


async def test_a_slow_subscriber_is_dropped_and_delays_no_other() -> None:
    registry = CollectorRegistry()
    fanout = Fanout(FanoutMetrics(registry), waiting=3)
    async with fanout.subscribe("a") as slow, fanout.subscribe("a") as quick:
        for number in range(6):
            await fanout.publish("a", b"%d" % number)
            assert (await anext(quick)).content == b"%d" % number
        with pytest.raises(SlowReaderError):
            await anext(slow)
    assert registry.get_sample_value("fanout_dropped_readers_total") == 1


async def test_processes_receive_each_others_messages_and_their_own_once(redis_url: str) -> None:
    async with AsyncExitStack() as stack:
        settings = _settings(redis_url=redis_url)
        here, there = [await stack.enter_async_context(open_fanout(settings, metered(settings))) for _ in range(2)]
        mine = await stack.enter_async_context(here.subscribe("room"))
        theirs = await stack.enter_async_context(there.subscribe("room"))
        await here.publish("room", b"hello")
        await there.publish("room", b"hello yourself")
        assert {(await anext(theirs)).content for _ in range(2)} == {b"hello", b"hello yourself"}
        assert {(await anext(mine)).content for _ in range(2)} == {b"hello", b"hello yourself"}
        assert await mine.within(0.2) is None
        later = await stack.enter_async_context(there.subscribe("another"))
        await here.publish("another", b"of a channel that was opened later")
        assert await later.within(PATIENCE) is not None


async def test_without_redis_a_process_receives_its_own_messages_and_nothing_fails() -> None:
    settings = _settings(redis_url=f"redis://127.0.0.1:{free_port()}/0")
    opened = open_fanout(settings, metered(settings))
    async with opened as fanout, fanout.subscribe("a") as reader:
        for _ in range(3):
            await fanout.publish("a", b"1")
            assert await reader.within(1) == Message("a", b"1")


async def test_messages_resume_when_redis_is_available_again(tmp_path: Path) -> None:
    registry, port = CollectorRegistry(), free_port()
    async with AsyncExitStack() as stack:
        first = stack.enter_context(own_redis(tmp_path, port))
        settings = _settings(redis_url=f"redis://127.0.0.1:{port}/0")
        here = await stack.enter_async_context(open_fanout(settings, metered(settings, registry)))
        there = await stack.enter_async_context(open_fanout(settings, metered(settings)))
        reader = await stack.enter_async_context(here.subscribe("a"))
        await there.publish("a", b"before")
        assert await reader.within(PATIENCE) == Message("a", b"before")
        first.kill()
        first.wait()
        await here.publish("a", b"meanwhile")
        assert await reader.within(PATIENCE) == Message("a", b"meanwhile")
        stack.enter_context(own_redis(tmp_path, port))
        async with asyncio.timeout(PATIENCE):
            while await reader.within(0.1) != Message("a", b"after"):
                await there.publish("a", b"after")
        assert registry.get_sample_value("fanout_connected") == 1
