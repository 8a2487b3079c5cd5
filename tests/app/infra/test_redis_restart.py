"""Redis restarts or closes idle connections: each use of it recovers immediately."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, ExitStack
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import pytest
import redis as redis_client
from prometheus_client import CollectorRegistry

from app.infra.cache import Cache, open_cache
from app.infra.fanout import Fanout, open_fanout
from app.infra.queue.celery import Publisher, make_celery
from app.infra.rate_limit.fixed_windows import Limits, open_limits, window
from app.infra.rate_limit.prefetched_tokens import PrefetchedTokens
from app.settings import read
from tests.support.ports import free_port
from tests.support.recorded_telemetry import recorded_logs
from tests.support.servers import own_redis
from tests.support.telemetry import metered

pytestmark = pytest.mark.anyio
CONNECTIONS = 15
AGAIN_SECONDS = 3.0  # seconds after Redis is available again


@dataclass(slots=True)
class Uses:
    """All uses of Redis in an API process, and their own server."""

    cache: Cache
    limits: Limits
    fanout: Fanout
    publisher: Publisher
    registry: CollectorRegistry
    url: str
    server: ExitStack
    start: Callable[[], object]

    async def open_connections(self) -> None:
        """Opens several connections of each pool."""
        await asyncio.gather(*(use(self) for use in USES for _ in range(CONNECTIONS)))

    def failures(self) -> float:
        """Number of failed Redis calls."""
        return sum(
            sample.value
            for metric in self.registry.collect()
            for sample in metric.samples
            if sample.name == "dependency_requests_total" and sample.labels["outcome"] != "ok"
        )

    def drop_idle_connections(self) -> None:
        with redis_client.Redis.from_url(self.url) as admin:
            admin.client_kill_filter(_type="normal", skipme=True)


async def _cache(uses: Uses) -> None:
    await uses.cache.set(f"items:{uuid4()}", b"value", 60)


async def _limits(uses: Uses) -> None:
    await PrefetchedTokens(uses.limits.counters, window("restart", 1000, 3600)).use(uuid4().hex)


async def _fanout(uses: Uses) -> None:
    await uses.fanout.publish("a", b"1")


async def _queue(uses: Uses) -> None:
    await uses.publisher.publish(uuid4())


USES: tuple[Callable[[Uses], Awaitable[None]], ...] = (_cache, _limits, _fanout, _queue)


@pytest.fixture
async def uses(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Uses]:
    monkeypatch.setattr("app.infra.redis.pool.REDIS_SECONDS", 10.0)  # many connections take longer on a slow machine
    port, registry = free_port(), CollectorRegistry()
    url = f"redis://127.0.0.1:{port}/0"
    settings = read(redis_url=url, database_url="postgresql://127.0.0.1:9/none", _env_file=None)
    telemetry = metered(settings, registry)
    async with AsyncExitStack() as stack:
        server = stack.enter_context(ExitStack())

        def start() -> None:
            server.enter_context(own_redis(tmp_path, port))

        start()
        cache = await stack.enter_async_context(open_cache(settings, telemetry))
        limits = await stack.enter_async_context(open_limits(settings, telemetry))
        fanout = await stack.enter_async_context(open_fanout(settings, telemetry))
        publisher = Publisher(make_celery(settings), telemetry)
        made = Uses(cache, limits, fanout, publisher, registry, url, server, start)
        await made.open_connections()
        assert made.failures() == 0
        yield made
        publisher.close()


@pytest.mark.parametrize("use", USES, ids=["cache", "limits", "fanout", "queue"])
async def test_connections_that_the_server_closed_while_idle_cause_no_failure(
    uses: Uses, use: Callable[[Uses], Awaitable[None]]
) -> None:
    for _ in range(3):
        uses.drop_idle_connections()
        await asyncio.gather(*(use(uses) for _ in range(CONNECTIONS)))
    assert uses.failures() == 0


async def test_the_servers_idle_timeout_causes_no_failure(uses: Uses) -> None:
    with redis_client.Redis.from_url(uses.url) as admin:
        admin.config_set("timeout", "1")
    async with asyncio.timeout(30):
        while _clients(uses.url) > 1:  # noqa: ASYNC110 -- waits for time to pass
            await asyncio.sleep(0.1)
    await uses.open_connections()
    assert uses.failures() == 0


def _clients(url: str) -> int:
    with redis_client.Redis.from_url(url) as admin:
        return len(admin.client_list(_type="normal"))


async def test_a_restart_fails_one_round_at_most_and_all_connections_recover(uses: Uses) -> None:
    with recorded_logs() as recorded:
        uses.server.close()
        await asyncio.gather(*(use(uses) for use in (_cache, _limits, _fanout) for _ in range(CONNECTIONS)))
        await asyncio.sleep(1)  # the restart
        uses.start()
        back = time.monotonic()
        async with asyncio.timeout(AGAIN_SECONDS + 7):
            while not uses.cache._store.available or not uses.limits.counters.present():  # noqa: ASYNC110 -- as above
                await asyncio.sleep(0.02)
        seconds = time.monotonic() - back
        failures = uses.failures()
        await asyncio.gather(*(use(uses) for use in USES for _ in range(CONNECTIONS)))
    assert seconds < AGAIN_SECONDS
    assert uses.failures() == failures
    for event in ("cache_left_alone", "limits_in_memory", "fanout_in_this_process"):
        (line,) = recorded.lines(event)
        assert line["cause"] == "network", event


async def test_corrupt_counters_of_a_client_fail_no_request(uses: Uses) -> None:
    replica = PrefetchedTokens(uses.limits.counters, window("damaged", 1000, 3600))
    await replica.use("client")
    with redis_client.Redis.from_url(uses.url) as admin:
        for key in admin.scan_iter("*damaged*"):
            admin.set(key, "x")
        assert (await PrefetchedTokens(uses.limits.counters, window("damaged", 1000, 3600)).use("client")).allowed
        assert uses.limits.counters.present()
