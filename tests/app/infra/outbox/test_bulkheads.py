"""Bulkheads: an open circuit breaker or a hanging dependency postpones that dependency's messages only."""

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
from tests.app.infra.outbox.conftest import TOPIC, OutboxFixture

pytestmark = pytest.mark.anyio
OTHER = "make_sales_report"
OPEN_SECONDS = 60.0
HOLDER = """
import fcntl, sys
fcntl.lockf(int(sys.argv[1]), fcntl.LOCK_EX, 1, int(sys.argv[2]))
print("taken", flush=True)
sys.stdin.read()
"""


class _Dependency:
    """A dependency that fails and hangs on request; `handled` are the ids of the messages that called it."""

    def __init__(self, outbox: OutboxFixture, slots: int = 2) -> None:
        self.registry = CollectorRegistry()
        self.seconds = 0.0
        rules = BreakerRules(failures_in_a_row=1, open_seconds=OPEN_SECONDS)
        self.breaker = Breaker("payments", DependencyMetrics(self.registry), rules, lambda: self.seconds)
        self.answers = asyncio.Event()
        self.handled: list[UUID] = []
        self.handled_other: list[UUID] = []
        metrics = JobMetrics(self.registry, [TOPIC, OTHER])
        self.runner = Runner(
            outbox.database,
            {TOPIC: self._handle, OTHER: self._handle_other},
            metrics,
            Tracing(outbox.settings, "test"),
            outbox.settings,
            {TOPIC: Bulkhead(self.breaker, LocalSlots(slots))},
        )

    def fail(self) -> None:
        self.breaker.leave(self.breaker.enter(), good=False)

    def postponed(self, reason: str) -> float | None:
        return self.registry.get_sample_value("jobs_postponed_total", {"topic": TOPIC, "reason": reason})

    async def _handle(self, message: Message) -> None:
        self.handled.append(message.id)
        with self.breaker.watching():
            await self.answers.wait()

    async def _handle_other(self, message: Message) -> None:
        self.handled_other.append(message.id)


async def _other(outbox: OutboxFixture) -> UUID:
    async with outbox.database.write() as session:
        return outbox.writer.add(session, OTHER, {"clock": "1"})


async def _attempts(outbox: OutboxFixture, message: UUID) -> tuple[int, int]:
    row = await outbox.row(message)
    assert row is not None
    assert row["claimed_until"] is None
    return row["attempts"], row["failures"]


async def test_an_open_breaker_postpones_its_messages_without_an_attempt(outbox: OutboxFixture) -> None:
    dependency = _Dependency(outbox)
    dependency.answers.set()
    dependency.fail()
    message = await outbox.add()
    before = now()
    assert [await dependency.runner.process(message) for _ in range(3)] == ["postponed"] * 3
    assert (dependency.handled, await _attempts(outbox, message), dependency.postponed("breaker_open")) == (
        [],
        (0, 0),
        3,
    )
    row = await outbox.row(message)
    assert row is not None
    assert OPEN_SECONDS <= (row["available_at"] - before).total_seconds() <= 2 * OPEN_SECONDS + 30
    assert await dependency.runner.process(await _other(outbox)) == "done", "this needs no dependency"
    dependency.seconds += OPEN_SECONDS
    assert await dependency.runner.process(message) == "done"
    assert (await _attempts(outbox, message), dependency.breaker.state) == ((1, 0), "closed")


async def test_the_first_success_after_an_outage_reschedules_the_postponed_messages(outbox: OutboxFixture) -> None:
    dependency = _Dependency(outbox)
    dependency.answers.set()
    dependency.fail()
    messages = [await outbox.add() for _ in range(OUTAGE_CALLS)]
    for message in messages:
        assert await dependency.runner.process(message) == "postponed"
    dependency.seconds += OPEN_SECONDS
    assert await dependency.runner.process(messages[0]) == "done"
    for message in messages[1:]:
        row = await outbox.row(message)
        assert row is not None
        assert row["available_at"] <= now()


async def test_an_old_message_is_not_dead_lettered_without_an_attempt(outbox: OutboxFixture) -> None:
    dependency = _Dependency(outbox)
    message = await outbox.add()
    await outbox.pass_time(message, GIVE_UP_AFTER.total_seconds() + 1)
    dependency.fail()
    assert await dependency.runner.process(message) == "postponed"

    async def refused(_message: Message) -> None:
        raise BreakerOpenError("It opened after the job had begun.")

    assert await outbox.runner(refused).process(message) == "later"
    assert await outbox.dead() == []


async def test_hanging_messages_take_no_more_than_their_slots(outbox: OutboxFixture) -> None:
    dependency = _Dependency(outbox)
    hanging = [await outbox.add() for _ in range(2)]
    held = [asyncio.create_task(dependency.runner.process(message)) for message in hanging]
    await _until(lambda: len(dependency.handled) == 2)
    more = [await outbox.add() for _ in range(5)]
    assert [await dependency.runner.process(message) for message in more] == ["postponed"] * 5
    assert [await _attempts(outbox, message) for message in more] == [(0, 0)] * 5
    assert await dependency.runner.process(await _other(outbox)) == "done"
    assert (len(dependency.handled), dependency.postponed("no_slot")) == (2, 5)
    dependency.answers.set()
    assert await asyncio.gather(*held) == ["done"] * 2
    assert [await dependency.runner.process(message) for message in more] == ["done"] * 5


async def test_each_message_waits_for_its_slot_while_jobs_start_and_end(
    outbox: OutboxFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bulkheads, "WAIT_SECONDS", 60)
    dependency = _Dependency(outbox, slots=1)
    messages = [await outbox.add() for _ in range(4)]
    working = [asyncio.create_task(dependency.runner.process(message)) for message in messages]
    await _until(lambda: len(dependency.handled) == 1)
    dependency.answers.set()
    assert await asyncio.gather(*working) == ["done"] * 4
    assert dependency.postponed("no_slot") == 0


async def test_after_one_timeout_no_message_waits_for_a_slot(monkeypatch: pytest.MonkeyPatch) -> None:
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


async def test_a_claim_of_another_worker_is_not_postponed(outbox: OutboxFixture) -> None:
    message = await outbox.add()
    async with outbox.database.write() as session:
        late = await repository.claim(session, message, -1)
    async with outbox.database.write() as session:
        present = await repository.claim(session, message, 30)
    assert late is not None
    assert present is not None
    with pytest.raises(LeaseLostError):
        async with outbox.database.write() as session:
            await repository.postpone(session, late, 1)
    async with outbox.database.write() as session:
        await repository.done(session, present)


@pytest.mark.parametrize("concurrency", range(1, 65))
def test_one_slot_stays_free_for_other_topics(concurrency: int) -> None:
    parts = shares(concurrency, ["payments", "mail"])
    assert all(part >= 1 for part in parts.values())
    assert parts["payments"] >= parts["mail"]
    if concurrency > len(parts):
        assert sum(parts.values()) < concurrency


def test_slots_are_shared_by_the_processes_of_a_pool_and_a_killed_one_releases_its_own() -> None:
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


def test_each_dependency_has_its_own_slots() -> None:
    made = forked_slots({"payments": 2, "mail": 1})
    assert list(made) == ["payments", "mail"]
    releases = [slots.take() for slots in made.values()]
    assert all(releases)


def _holder(file: int, byte: int) -> "subprocess.Popen[str]":
    """A process that holds a slot."""
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
    while not condition():  # noqa: ASYNC110 -- a list has no event
        await asyncio.sleep(0.01)
