"""Bulkheads: a dependency that is left alone or hangs postpones its own messages, and those alone."""

import asyncio
import subprocess
import sys
import tempfile
from collections.abc import Callable
from uuid import UUID

import pytest
from prometheus_client import CollectorRegistry

from app.infra.database.orm import now
from app.infra.outbox import bulkheads, repository
from app.infra.outbox.bulkheads import (
    Bulkhead,
    LocalSlots,
    PostponedError,
    SharedSlots,
    forked_slots,
    shares,
)
from app.infra.outbox.claimed_message import Message
from app.infra.outbox.repository import LeaseLostError
from app.infra.outbox.runner import GIVE_UP_AFTER, OUTAGE_CALLS, Runner
from app.infra.resilience.circuit_breaker import Breaker, BreakerOpenError, BreakerRules
from app.telemetry.metrics import DependencyMetrics, JobMetrics
from app.telemetry.traces.tracing import Tracing
from tests.app.infra.outbox.conftest import TOPIC, Bench

pytestmark = pytest.mark.anyio
OTHER = "make_sales_report"
OPEN_SECONDS = 60.0
HOLDER = """
import fcntl, sys
fcntl.lockf(int(sys.argv[1]), fcntl.LOCK_EX, 1, int(sys.argv[2]))
print("taken", flush=True)
sys.stdin.read()
"""


class _Tower:
    """A bell tower that rings and hangs as told; `rung` are the messages that came to it."""

    def __init__(self, bench: Bench, slots: int = 2) -> None:
        self.registry = CollectorRegistry()
        self.seconds = 0.0
        rules = BreakerRules(failures_in_a_row=1, open_seconds=OPEN_SECONDS)
        self.breaker = Breaker("payments", DependencyMetrics(self.registry), rules, lambda: self.seconds)
        self.answers = asyncio.Event()
        self.rung: list[UUID] = []
        self.wound: list[UUID] = []
        metrics = JobMetrics(self.registry, [TOPIC, OTHER])
        self.runner = Runner(
            bench.database,
            {TOPIC: self._ring, OTHER: self._wind},
            metrics,
            Tracing(bench.settings, "test"),
            bench.settings,
            {TOPIC: Bulkhead(self.breaker, LocalSlots(slots))},
        )

    def fail(self) -> None:
        self.breaker.leave(self.breaker.enter(), good=False)

    def postponed(self, reason: str) -> float | None:
        return self.registry.get_sample_value("jobs_postponed_total", {"topic": TOPIC, "reason": reason})

    async def _ring(self, message: Message) -> None:
        self.rung.append(message.id)
        with self.breaker.watching():
            await self.answers.wait()

    async def _wind(self, message: Message) -> None:
        self.wound.append(message.id)


async def _other(bench: Bench) -> UUID:
    async with bench.database.write() as session:
        return bench.outbox.add(session, OTHER, {"clock": "1"})


async def _attempts(bench: Bench, message: UUID) -> tuple[int, int]:
    row = await bench.row(message)
    assert row is not None
    assert row["claimed_until"] is None
    return row["attempts"], row["failures"]


async def test_an_open_breaker_postpones_what_needs_it_without_a_try(bench: Bench) -> None:
    tower = _Tower(bench)
    tower.answers.set()
    tower.fail()
    message = await bench.add()
    before = now()
    assert [await tower.runner.process(message) for _ in range(3)] == ["postponed"] * 3
    assert (tower.rung, await _attempts(bench, message), tower.postponed("breaker_open")) == ([], (0, 0), 3)
    row = await bench.row(message)
    assert row is not None
    assert OPEN_SECONDS <= (row["available_at"] - before).total_seconds() <= 2 * OPEN_SECONDS + 30
    assert await tower.runner.process(await _other(bench)) == "done", "this needs no tower"
    tower.seconds += OPEN_SECONDS
    assert await tower.runner.process(message) == "done"
    assert (await _attempts(bench, message), tower.breaker.state) == ((1, 0), "closed")


async def test_who_gets_through_after_it_calls_the_postponed_back(bench: Bench) -> None:
    tower = _Tower(bench)
    tower.answers.set()
    tower.fail()
    messages = [await bench.add() for _ in range(OUTAGE_CALLS)]
    for message in messages:
        assert await tower.runner.process(message) == "postponed"
    tower.seconds += OPEN_SECONDS
    assert await tower.runner.process(messages[0]) == "done"
    for message in messages[1:]:
        row = await bench.row(message)
        assert row is not None
        assert row["available_at"] <= now()


async def test_however_old_it_is_it_is_not_given_up_untried(bench: Bench) -> None:
    tower = _Tower(bench)
    message = await bench.add()
    await bench.pass_time(message, GIVE_UP_AFTER.total_seconds() + 1)
    tower.fail()
    assert await tower.runner.process(message) == "postponed"

    async def refused(_message: Message) -> None:
        raise BreakerOpenError("It opened after the job had begun.")

    assert await bench.runner(refused).process(message) == "later"
    assert await bench.dead() == []


async def test_what_hangs_takes_no_more_than_its_slots(bench: Bench) -> None:
    tower = _Tower(bench)
    hanging = [await bench.add() for _ in range(2)]
    held = [asyncio.create_task(tower.runner.process(message)) for message in hanging]
    await _until(lambda: len(tower.rung) == 2)
    more = [await bench.add() for _ in range(5)]
    assert [await tower.runner.process(message) for message in more] == ["postponed"] * 5
    assert [await _attempts(bench, message) for message in more] == [(0, 0)] * 5
    assert await tower.runner.process(await _other(bench)) == "done"
    assert (len(tower.rung), tower.postponed("no_slot")) == (2, 5)
    tower.answers.set()
    assert await asyncio.gather(*held) == ["done"] * 2
    assert [await tower.runner.process(message) for message in more] == ["done"] * 5


async def test_while_jobs_come_and_go_each_waits_for_its_slot(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bulkheads, "WAIT_SECONDS", 60)
    tower = _Tower(bench, slots=1)
    messages = [await bench.add() for _ in range(4)]
    working = [asyncio.create_task(tower.runner.process(message)) for message in messages]
    await _until(lambda: len(tower.rung) == 1)
    tower.answers.set()
    assert await asyncio.gather(*working) == ["done"] * 4
    assert tower.postponed("no_slot") == 0


async def test_once_it_was_in_vain_nobody_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    waits = 0
    sleep = asyncio.sleep

    async def count(seconds: float) -> None:
        nonlocal waits
        waits += 1
        await sleep(seconds)

    monkeypatch.setattr(bulkheads, "WAIT_SECONDS", 0.02)
    monkeypatch.setattr("app.infra.outbox.bulkheads.asyncio.sleep", count)
    bulkhead = Bulkhead(Breaker("payments", DependencyMetrics(CollectorRegistry())), LocalSlots(1))
    release = await bulkhead.enter()
    for _ in range(2):
        with pytest.raises(PostponedError):
            await bulkhead.enter()
        first, waits = waits, 0
    assert (first, waits) == (0, 0)
    release()
    again = await bulkhead.enter()
    with pytest.raises(PostponedError):
        await bulkhead.enter()
    assert waits > 0, "it got a slot in between"
    again()


async def test_a_claim_that_was_taken_over_is_not_postponed(bench: Bench) -> None:
    message = await bench.add()
    async with bench.database.write() as session:
        late = await repository.claim(session, message, -1)
    async with bench.database.write() as session:
        present = await repository.claim(session, message, 30)
    assert late is not None
    assert present is not None
    with pytest.raises(LeaseLostError):
        async with bench.database.write() as session:
            await repository.postpone(session, late, 1)
    async with bench.database.write() as session:
        await repository.done(session, present)


@pytest.mark.parametrize("concurrency", range(1, 65))
def test_one_slot_stays_free_of_all_dependencies(concurrency: int) -> None:
    parts = shares(concurrency, ["payments", "mail"])
    assert all(part >= 1 for part in parts.values())
    assert parts["payments"] >= parts["mail"]
    if concurrency > len(parts):
        assert sum(parts.values()) < concurrency


def test_the_slots_of_a_pool_are_those_of_all_its_processes_and_a_killed_one_gives_its_own_back() -> None:
    with tempfile.TemporaryFile() as file:
        slots, others = SharedSlots(file.fileno(), 0, 2), SharedSlots(file.fileno(), 2, 1)
        holders = [_holder(file.fileno(), byte) for byte in range(2)]
        assert slots.take() is None
        release = others.take()
        assert release is not None, "another dependency's"
        holders[0].kill()
        holders[0].wait()
        mine = slots.take()
        assert mine is not None
        mine()
        _end(holders)


def test_each_dependency_has_slots_of_its_own() -> None:
    made = forked_slots({"payments": 2, "mail": 1})
    assert list(made) == ["payments", "mail"]
    releases = [slots.take() for slots in made.values()]
    assert all(releases)


def _holder(file: int, byte: int) -> "subprocess.Popen[str]":
    """A process that has taken a slot."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(file), str(byte)],
        pass_fds=[file],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "taken\n"
    return process


def _end(holders: "list[subprocess.Popen[str]]") -> None:
    for holder in holders:
        holder.communicate()


async def _until(condition: Callable[[], bool]) -> None:
    while not condition():  # noqa: ASYNC110 -- it is a list that grows
        await asyncio.sleep(0.01)
