"""Sweeps: a bounded number of bounded batches in each run of the reconciler, the rest in the next run."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from prometheus_client import CollectorRegistry

from app.infra.database import ReadSession, WriteSession
from app.infra.outbox import reconciler
from app.infra.outbox.claimed_message import Message
from app.infra.outbox.reconciler import SWEEP_ROUNDS, SWEEP_SECONDS, Reconciler
from app.infra.outbox.repository import FIRST_WAIT
from app.telemetry.metrics import BacklogMetrics, OutboxMetrics
from tests.app.infra.outbox.conftest import TOPIC, FakeQueue, OutboxFixture

pytestmark = pytest.mark.anyio


def _sweeper(rounds: int) -> tuple[Callable[[WriteSession], Awaitable[int]], list[int]]:
    """A sweep that deletes something in this many rounds, and the rounds that ran."""
    found: list[int] = []

    async def sweep(_session: WriteSession) -> int:
        found.append(1 if len(found) < rounds else 0)
        return found[-1]

    return sweep, found


def _reconciler(outbox: OutboxFixture, *sweeps: Callable[[WriteSession], Awaitable[int]]) -> Reconciler:
    return Reconciler(outbox.database, FakeQueue(), OutboxMetrics(CollectorRegistry()), 0.001, sweeps)


async def test_every_sweep_gets_its_rounds_even_after_an_endless_one(outbox: OutboxFixture) -> None:
    endless, found = _sweeper(10_000)
    short, also_found = _sweeper(2)
    reconciler = _reconciler(outbox, endless, short)
    assert not await reconciler.sweep()
    assert (len(found), also_found) == (SWEEP_ROUNDS, [1, 1, 0])


async def test_the_backlog_is_reported_by_topic(outbox: OutboxFixture) -> None:
    registry = CollectorRegistry()
    backlog = BacklogMetrics(registry, [TOPIC, "other"])
    reconciler = Reconciler(outbox.database, FakeQueue(), OutboxMetrics(CollectorRegistry()), every=5, backlog=backlog)

    def backlog_of(topic: str) -> tuple[float | None, float | None]:
        names = ("jobs_pending", "jobs_oldest_age_seconds")
        pending, oldest = (registry.get_sample_value(name, {"topic": topic}) for name in names)
        return pending, oldest

    assert [backlog_of(topic) for topic in (TOPIC, "other")] == [(0, 0), (0, 0)]
    await outbox.pass_time(await outbox.add(), 100)
    last = await outbox.add()
    await reconciler.look()
    pending, oldest = backlog_of(TOPIC)
    assert (pending, backlog_of("other")) == (2, (0, 0))
    assert oldest == pytest.approx(100, abs=30)

    async def handle(_message: Message) -> None:
        """Nothing to do."""

    for message_id in {*outbox.enqueued, last}:
        await outbox.runner(handle).process(message_id)
    await reconciler.look()
    assert backlog_of(TOPIC) == (0, 0)


async def test_the_rest_is_swept_after_the_next_run_and_then_not_for_a_while(outbox: OutboxFixture) -> None:
    sweep, found = _sweeper(2 * SWEEP_ROUNDS)
    stop = asyncio.Event()
    running = asyncio.create_task(_reconciler(outbox, sweep).run(stop))
    try:
        async with asyncio.timeout(20):
            while 0 not in found:  # noqa: ASYNC110 -- the loop has no event for it
                await asyncio.sleep(0.01)
        await asyncio.sleep(0.05)
    finally:
        stop.set()
        await running
    assert len(found) == 2 * SWEEP_ROUNDS + 1


class _Clock(FakeQueue):
    """A queue that is read once in each run, and sets the time of each run."""

    def __init__(self, times: list[float], stop: asyncio.Event) -> None:
        super().__init__()
        self._times, self._stop, self._looks = times, stop, -1

    @property
    def look(self) -> int:
        """The number of the current run, from 0."""
        return self._looks

    def monotonic(self) -> float:
        return self._times[max(0, self._looks)]

    async def waiting(self) -> int:
        self._looks += 1
        if self._looks == len(self._times) - 1:
            self._stop.set()
        return 0


async def test_the_first_run_sweeps_nothing_and_a_finished_sweep_starts_again_after_a_while(
    outbox: OutboxFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    every, stop = 0.01, asyncio.Event()
    again = 10 * every + SWEEP_SECONDS
    clock = _Clock([0, every / 2, 10 * every, 11 * every, SWEEP_SECONDS, again, again + 1, again + 2], stop)
    monkeypatch.setattr(reconciler, "time", clock)
    swept, watched = [], []
    found = iter([0, *[1] * SWEEP_ROUNDS, 1, 0])  # no end at the second sweep: it continues in the next run

    async def sweep(_session: WriteSession) -> int:
        swept.append(clock.look)
        return next(found)

    async def watch(_session: ReadSession) -> None:
        watched.append(clock.look)

    metrics = OutboxMetrics(CollectorRegistry())
    running = Reconciler(outbox.database, clock, metrics, every, [sweep], watches=[watch])
    await asyncio.wait_for(running.run(stop), 20)
    assert swept == [2, *[5] * SWEEP_ROUNDS, 6, 6]
    assert watched == list(range(-1, len(clock._times) - 1)), "each look measures before it asks the queue"


async def test_gauges_are_set_at_their_interval_while_sweeps_continue(
    outbox: OutboxFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reconciler, "BATCH", 1)
    monkeypatch.setattr(reconciler, "MORE_SECONDS", 0.001)
    times, stop, every = [0.0, 500.0, 1000.0, 1500.0, 2000.0, 2500.0], asyncio.Event(), 1000
    clock, watched = _Clock(times, stop), []
    monkeypatch.setattr(reconciler, "time", clock)
    for _ in times:
        await outbox.pass_time(await outbox.add(), FIRST_WAIT.total_seconds())

    async def watch(_session: ReadSession) -> None:
        watched.append(clock.look + 1)

    running = Reconciler(outbox.database, clock, OutboxMetrics(CollectorRegistry()), every, watches=[watch])
    await asyncio.wait_for(running.run(stop), 20)
    assert len(clock.taken) == len(times)
    assert watched == [0, 3, 5], "messages alone until a run is due"
