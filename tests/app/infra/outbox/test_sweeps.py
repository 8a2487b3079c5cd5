"""Sweeps: a look has a bounded number of rounds, each of a bounded size, and what is left comes next."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from prometheus_client import CollectorRegistry

from app.infra.database import WriteSession
from app.infra.outbox.message import Message
from app.infra.outbox.reconciler import SWEEP_ROUNDS, Reconciler
from app.telemetry.metrics import BacklogMetrics, OutboxMetrics
from tests.app.infra.outbox.conftest import TOPIC, Bench, Hints

pytestmark = pytest.mark.anyio


def _sweeper(rounds: int) -> tuple[Callable[[WriteSession], Awaitable[int]], list[int]]:
    """A sweep that finds something so many times, and what it found."""
    found: list[int] = []

    async def sweep(_session: WriteSession) -> int:
        found.append(1 if len(found) < rounds else 0)
        return found[-1]

    return sweep, found


def _reconciler(bench: Bench, *sweeps: Callable[[WriteSession], Awaitable[int]]) -> Reconciler:
    return Reconciler(bench.database, Hints(), OutboxMetrics(CollectorRegistry()), 0.001, sweeps)


async def test_every_sweep_gets_its_rounds_even_after_one_that_does_not_end(bench: Bench) -> None:
    endless, found = _sweeper(10_000)
    short, also_found = _sweeper(2)
    reconciler = _reconciler(bench, endless, short)
    assert not await reconciler.sweep()
    assert (len(found), also_found) == (SWEEP_ROUNDS, [1, 1, 0])


async def test_the_backlog_is_told_by_topic(bench: Bench) -> None:
    registry = CollectorRegistry()
    backlog = BacklogMetrics(registry, [TOPIC, "other"])
    reconciler = Reconciler(bench.database, Hints(), OutboxMetrics(CollectorRegistry()), every=5, backlog=backlog)

    def told(topic: str) -> tuple[float | None, float | None]:
        names = ("jobs_pending", "jobs_oldest_age_seconds")
        pending, oldest = (registry.get_sample_value(name, {"topic": topic}) for name in names)
        return pending, oldest

    assert [told(topic) for topic in (TOPIC, "other")] == [(0, 0), (0, 0)]
    await bench.pass_time(await bench.add(), 100)
    last = await bench.add()
    await reconciler.look()
    pending, oldest = told(TOPIC)
    assert (pending, told("other")) == (2, (0, 0))
    assert oldest == pytest.approx(100, abs=30)

    async def handle(_message: Message) -> None:
        """Nothing to do."""

    for message_id in {*bench.hints, last}:
        await bench.runner(handle).process(message_id)
    await reconciler.look()
    assert told(TOPIC) == (0, 0)


async def test_what_is_left_is_swept_after_the_next_look_and_then_no_more_for_a_while(bench: Bench) -> None:
    sweep, found = _sweeper(2 * SWEEP_ROUNDS)
    stop = asyncio.Event()
    running = asyncio.create_task(_reconciler(bench, sweep).run(stop))
    try:
        async with asyncio.timeout(20):
            while 0 not in found:  # noqa: ASYNC110 -- what runs has no event for it
                await asyncio.sleep(0.01)
        await asyncio.sleep(0.05)
    finally:
        stop.set()
        await running
    assert len(found) == 2 * SWEEP_ROUNDS + 1
