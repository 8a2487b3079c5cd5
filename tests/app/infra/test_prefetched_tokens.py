"""Sliding windows with prefetched tokens: exact over all replicas, at most one round trip, and never an error."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager

import pytest
from limits import RateLimitItem
from limits.aio.strategies import SlidingWindowCounterRateLimiter

from app.infra.rate_limit import prefetched_tokens
from app.infra.rate_limit.fixed_windows import Counters, Limits, open_limits, window
from app.infra.rate_limit.prefetched_tokens import PrefetchedTokens
from app.settings import read
from tests.support.ports import free_port
from tests.support.telemetry import metered

pytestmark = pytest.mark.anyio


@pytest.fixture(params=["memory", "redis"])
async def limits(request: pytest.FixtureRequest) -> AsyncIterator[Limits]:
    url = request.getfixturevalue("redis_url") if request.param == "redis" else None
    async with _open(url) as opened:
        yield opened


def _open(url: str | None) -> AbstractAsyncContextManager[Limits]:
    database = "postgresql://binnacle@nowhere/binnacle" if url else None
    settings = read(redis_url=url, database_url=database, _env_file=None)
    return open_limits(settings, metered(settings))


async def test_replicas_together_allow_the_limit_and_no_more(limits: Limits) -> None:
    item = window("shared", 320, 3600)
    replicas = [PrefetchedTokens(limits.counters, item) for _ in range(4)]

    async def call(replica: PrefetchedTokens) -> int:
        return sum([(await replica.use("client")).allowed for _ in range(200)])

    allowed = sum(await asyncio.gather(*(call(replica) for replica in replicas)))
    assert 320 - 4 * (320 // prefetched_tokens.MAX_BATCH_SHARE) <= allowed <= 320
    assert (await replicas[0].use("another")).allowed


async def test_a_single_replica_can_use_the_whole_limit(limits: Limits) -> None:
    replica = PrefetchedTokens(limits.counters, window("alone", 100, 3600))
    uses = [await replica.use("client") for _ in range(120)]
    assert [use.allowed for use in uses] == [True] * 100 + [False] * 20
    assert [use.remaining for use in uses[:100]] == list(reversed(range(100)))
    assert {use.remaining for use in uses[100:]} == {0}
    assert all(use.reset >= 1 for use in uses)


async def test_concurrent_requests_are_each_counted(limits: Limits) -> None:
    replica = PrefetchedTokens(limits.counters, window("burst", 64, 3600))
    uses = await asyncio.gather(*(replica.use("client") for _ in range(200)))
    assert sum(use.allowed for use in uses) == 64


async def test_the_window_slides(limits: Limits) -> None:
    replica = PrefetchedTokens(limits.counters, window("slides", 10, 1))
    began = time.monotonic()
    allowed = 0
    while time.monotonic() < began + 4.5:
        allowed += (await replica.use("client")).allowed
        await asyncio.sleep(0.01)
    assert 20 <= allowed <= 60  # ten a second, and ten more at each end


class _Counted(PrefetchedTokens):
    """PrefetchedTokens that count their round trips."""

    def __init__(self, counters: Counters, item: RateLimitItem) -> None:
        super().__init__(counters, item)
        self.trips = 0
        call = self._counting.call

        async def counted(operation: "object") -> object:
            self.trips += 1
            return await call(operation)  # type: ignore[arg-type]

        self._counting.call = counted  # type: ignore[assignment,method-assign]


async def test_a_request_costs_at_most_one_round_trip_and_most_cost_none(limits: Limits) -> None:
    replica = _Counted(limits.counters, window("trips", 6000, 3600))
    most = 0
    for _ in range(2000):
        before = replica.trips
        assert (await replica.use("client")).allowed
        most = max(most, replica.trips - before)
    assert most == 1
    assert replica.trips < 50
    before = replica.trips
    for number in range(20):
        await replica.use(f"once-{number}")
    assert replica.trips == before + 20


async def test_refusals_are_cached_for_a_second(limits: Limits) -> None:
    replica = _Counted(limits.counters, window("refused", 1, 3600))
    assert (await replica.use("client")).allowed
    assert not (await replica.use("client")).allowed
    before = replica.trips
    assert not any([(await replica.use("client")).allowed for _ in range(100)])
    assert replica.trips == before


async def test_the_number_of_clients_in_memory_is_bounded(limits: Limits, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prefetched_tokens, "MAX_CLIENTS", 10)
    replica = PrefetchedTokens(limits.counters, window("forgotten", 2, 3600))
    for _ in range(2):
        for number in range(30):
            assert (await replica.use(f"client-{number}")).allowed
    assert len(replica._clients) == 10
    assert not (await replica.use("client-0")).allowed


async def test_during_a_redis_outage_each_replica_applies_the_limit() -> None:
    async with _open(f"redis://127.0.0.1:{free_port()}") as limits:
        replica = PrefetchedTokens(limits.counters, window("gone", 40, 3600))
        began = time.monotonic()
        uses = [await replica.use("client") for _ in range(60)]
    assert [use.allowed for use in uses] == [True] * 40 + [False] * 20
    assert time.monotonic() - began < 2


async def test_the_counters_are_those_of_the_limits_library(limits: Limits) -> None:
    item = window("library", 100, 3600)
    await PrefetchedTokens(limits.counters, item).use("client")
    storage = limits.counters.shared or limits.counters.own
    stats = await SlidingWindowCounterRateLimiter(storage).get_window_stats(item, "client")
    assert stats.remaining == 100 - min(prefetched_tokens.FIRST_BATCH, 100 // prefetched_tokens.MAX_BATCH_SHARE)
