"""Everything that the service does with Redis, done once: each pool connects, and each command and script is sent."""

import asyncio
from contextlib import AsyncExitStack, suppress
from typing import Any
from uuid import uuid4

from prometheus_client import CollectorRegistry

from app.api.dependency_checks import open_probes
from app.errors import UnavailableError
from app.infra.cache import open_cache
from app.infra.database import open_database
from app.infra.fanout import open_fanout
from app.infra.queue.celery import Publisher, make_celery
from app.infra.queue.messages import QUEUE
from app.infra.rate_limit.fixed_windows import open_limits, window
from app.infra.rate_limit.prefetched_tokens import PrefetchedTokens
from app.processes.worker import _broker_gone
from app.settings import Settings
from tests.support.telemetry import metered

WAIT_SECONDS = 20.0
USES = ("cache", "limits", "fanout", "queue")


async def use_all(settings: Settings) -> None:
    """Raises AssertionError when one of the uses fell back on this process, or Redis refused it."""
    registry = CollectorRegistry()
    telemetry = metered(settings, registry)
    async with AsyncExitStack() as stack:
        enter = stack.enter_async_context
        cache = await enter(open_cache(settings, telemetry))
        limits = await enter(open_limits(settings, telemetry))
        one, other = [await enter(open_fanout(settings, telemetry)) for _ in range(2)]
        probes = await enter(open_probes(settings, await enter(open_database(settings))))
        await _use_cache(cache)
        await _use_limits(limits)
        async with asyncio.timeout(WAIT_SECONDS), one.subscribe("orders:1") as reader:
            await other.publish("orders:1", b"paid")
            assert (await anext(reader)).content == b"paid"
        publisher = Publisher(make_celery(settings), telemetry)
        message_id = uuid4()
        await publisher.publish(message_id)
        assert await publisher.waiting() == 1
        publisher.close()
        assert [str(message_id)] in await asyncio.to_thread(_consume, settings)
        assert (await probes["redis"]()).status == "ok"
        assert _broker_gone(settings) is None
    assert _failures(registry) == dict.fromkeys(USES, 0)


async def refused_uses(settings: Settings) -> set[str]:
    """Which of USES Redis, or its certificate, keeps from being shared."""
    registry = CollectorRegistry()
    telemetry = metered(settings, registry)
    async with (
        open_cache(settings, telemetry) as cache,
        open_limits(settings, telemetry) as limits,
        open_fanout(settings, telemetry) as fanout,
    ):
        await cache.set("items:1", b"1", 60)
        await limits.count(window("use", 2, 60), "client")
        await fanout.publish("orders:1", b"paid")
        publisher = Publisher(make_celery(settings), telemetry)
        with suppress(UnavailableError):
            await publisher.publish(uuid4())
        publisher.close()
    return {use for use, count in _failures(registry).items() if count}


def _failures(registry: CollectorRegistry) -> dict[str, float]:
    """How many calls came to nothing, by the use of Redis."""
    found = dict.fromkeys(USES, 0.0)
    for metric in registry.collect():
        for sample in metric.samples:
            if sample.name == "dependency_requests_total" and sample.labels["outcome"] != "ok":
                found[sample.labels["operation"]] += sample.value
    return found


async def _use_cache(cache: Any) -> None:
    key = f"items:{uuid4()}"

    async def make() -> bytes:
        return b"made"

    async def fail() -> bytes:
        raise ZeroDivisionError

    assert await cache.get_or_make(key, make, 60) == b"made"
    assert await cache.get(key) == b"made"
    await cache.set(key, b"set", 60)
    assert await cache.get(key) == b"set"
    await cache.delete(key)
    assert await cache.get(key) is None
    for _ in await asyncio.gather(cache.get_or_make(key, fail, 60), return_exceptions=True):
        assert isinstance(_, ZeroDivisionError)


async def _use_limits(limits: Any) -> None:
    item = window("use", 2, 60)
    await limits.count(item, "client")
    assert await limits.wait(item, "client") == 0
    await limits.count(item, "client")
    assert await limits.wait(item, "client") > 0
    await limits.clear(item, "client")
    assert await limits.wait(item, "client") == 0
    for _ in range(3):
        assert (await PrefetchedTokens(limits.counters, window("lease", 1000, 60)).use("client")).allowed


def _consume(settings: Settings) -> list[Any]:
    """Takes what waits in the queue as a worker does: one put back, delivered again, and acknowledged."""
    celery, taken = make_celery(settings), []

    def take(message: Any) -> None:
        taken.append(message.payload[0])
        if len(taken) == 1:
            message.requeue()
        else:
            message.ack()

    with celery.connection_for_read() as connection:
        channel = connection.default_channel
        channel.basic_qos(prefetch_count=1)
        with connection.Consumer([celery.amqp.queues[QUEUE]], channel=channel, on_message=take):
            while len(taken) < 2:
                connection.drain_events(timeout=WAIT_SECONDS)
        channel.qos.restore_visible()
    celery.close()
    return taken
