"""The limit is exact for every order of arrival, in one process and in two."""

import asyncio
from collections.abc import Iterator, Sequence
from typing import Any
from uuid import uuid4

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from limits.aio.storage import MemoryStorage
from prometheus_client import CollectorRegistry

from app.infra.rate_limit.fixed_windows import Counters, open_limits, window
from app.infra.rate_limit.prefetched_tokens import MAX_BATCH_SHARE, PrefetchedTokens
from app.settings import read
from app.telemetry.metrics import LimitMetrics
from tests.support.telemetry import metered

SECONDS = 10**9  # no window ends during a test
AMOUNTS = st.integers(1, 200)
# For each request: its replica, and its delay after the first one, in event loop iterations or in TICKs.
ARRIVALS = st.lists(st.tuples(st.integers(0, 1), st.integers(0, 60)), min_size=1, max_size=250)
TICK = 0.0002  # seconds, about one round trip to Redis
ONE_AT_A_TIME = 2 * MAX_BATCH_SHARE  # limits below this prefetch no tokens


class _Slow(MemoryStorage):
    """Counters that take several event loop iterations to answer, as a server does."""

    def __init__(self, turns: Iterator[int]) -> None:
        super().__init__()
        self._turns = turns

    async def _pause(self) -> None:
        for _ in range(next(self._turns)):
            await asyncio.sleep(0)

    async def acquire_sliding_window_entry(self, *arguments: Any, **named: Any) -> bool:
        await self._pause()
        granted = await super().acquire_sliding_window_entry(*arguments, **named)
        await self._pause()
        return granted

    async def get_sliding_window(self, *arguments: Any) -> tuple[int, float, int, float]:
        await self._pause()
        found = await super().get_sliding_window(*arguments)
        await self._pause()
        return found


async def _allowed(
    replicas: Sequence[PrefetchedTokens], arrivals: Sequence[tuple[int, int]], client: str, tick: float
) -> int:
    async def use(replica: int, later: int) -> bool:
        for _ in range(1 if tick else later):
            await asyncio.sleep(later * tick)
        return (await replicas[replica % len(replicas)].use(client)).allowed

    return sum(await asyncio.gather(*(use(*arrival) for arrival in arrivals)))


def _assert_exact(amount: int, replicas: int, asked: int, allowed: int) -> None:
    assert allowed <= amount
    unspent = 0 if replicas == 1 or amount < ONE_AT_A_TIME else replicas * (amount // MAX_BATCH_SHARE)
    assert allowed >= min(asked, amount - unspent)


@settings(max_examples=200, deadline=None)
@given(
    amount=AMOUNTS,
    arrivals=ARRIVALS,
    replicas=st.integers(1, 2),
    turns=st.lists(st.integers(0, 5), min_size=1, max_size=8),
)
@example(amount=1, arrivals=[(0, 0), (0, 4)], replicas=1, turns=[2])  # the second arrives while the first waits
def test_replicas_never_allow_more_than_the_limit(
    amount: int, arrivals: list[tuple[int, int]], replicas: int, turns: list[int]
) -> None:
    def cycle() -> Iterator[int]:
        while True:
            yield from turns

    async def run() -> int:
        shared = _Slow(cycle())
        metrics = LimitMetrics(CollectorRegistry())
        asked = [
            PrefetchedTokens(Counters(shared, metrics), window("arrivals", amount, SECONDS)) for _ in range(replicas)
        ]
        return await _allowed(asked, arrivals, "client", 0)

    _assert_exact(amount, replicas, len(arrivals), asyncio.run(run()))


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(amount=AMOUNTS, arrivals=ARRIVALS, replicas=st.integers(1, 2))
@example(amount=40, arrivals=[(0, later) for later in range(200)], replicas=1)
@example(amount=40, arrivals=[(later % 2, later) for later in range(200)], replicas=2)
def test_replicas_never_allow_more_than_the_limit_in_redis(
    redis_url: str, amount: int, arrivals: list[tuple[int, int]], replicas: int
) -> None:
    process = read(redis_url=redis_url, database_url="postgresql://binnacle@nowhere/binnacle", _env_file=None)

    async def run() -> int:
        telemetry = metered(process)
        async with open_limits(process, telemetry) as one, open_limits(process, telemetry) as two:
            item = window("arrivals", amount, SECONDS)
            asked = [PrefetchedTokens(limits.counters, item) for limits in (one, two)][:replicas]
            return await _allowed(asked, arrivals, uuid4().hex, TICK)

    _assert_exact(amount, replicas, len(arrivals), asyncio.run(run()))
