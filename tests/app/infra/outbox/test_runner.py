"""The runner: one worker per message, retries, dead letters and redriving."""

import asyncio
from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import update

from app.errors import ConflictError, UnavailableError
from app.infra.database.orm import now
from app.infra.outbox import dead_letters, pending, repository
from app.infra.outbox.claimed_message import Message
from app.infra.outbox.models import OutboxMessage
from app.infra.outbox.outbox import Outbox
from app.infra.outbox.pending import RETENTION
from app.infra.outbox.repository import BACKOFF_SECONDS, LeaseLostError
from app.infra.outbox.runner import GIVE_UP_AFTER, OUTAGE_CALLS
from app.telemetry.traces.tracing import Tracing, traceparent, tracestate
from tests.app.infra.outbox.conftest import TOPIC, OutboxFixture
from tests.support.recorded_telemetry import recorded_logs

pytestmark = pytest.mark.anyio


async def test_a_message_is_handled_once_with_its_payload(outbox: OutboxFixture) -> None:
    message_id, seen = await outbox.add(bell="7"), []

    async def handle(message: Message) -> None:
        seen.append(message.payload)

    runner = outbox.runner(handle)
    assert outbox.enqueued == [message_id]
    assert await runner.process(message_id) == "done"
    assert await runner.process(message_id) == "not_ours"
    assert seen == [{"bell": "7"}]
    row = await outbox.row(message_id)
    assert row is not None
    assert (row["progress"], row["failures"], row["attempts"]) == (1.0, 0, 1)


async def test_a_rolled_back_message_is_not_enqueued(outbox: OutboxFixture) -> None:
    async def fail() -> None:
        async with outbox.database.write() as session:
            outbox.writer.add(session, TOPIC, {"bell": "1"})
            raise ConflictError("no")

    with pytest.raises(ConflictError):
        await fail()
    assert outbox.enqueued == []


async def test_of_many_workers_one_handles_the_message(outbox: OutboxFixture) -> None:
    message_id, handled = await outbox.add(), []

    async def handle(message: Message) -> None:
        handled.append(message.id)

    outcomes = await asyncio.gather(*(outbox.runner(handle).process(message_id) for _ in range(8)))
    assert sorted(outcomes) == ["done"] + ["not_ours"] * 7
    assert handled == [message_id]


async def test_an_unavailable_dependency_is_retried_for_a_day_and_counts_no_failure(outbox: OutboxFixture) -> None:
    message_id = await outbox.add()

    async def handle(_message: Message) -> None:
        raise UnavailableError("The bell tower does not answer.")

    runner = outbox.runner(handle, job_failures=2)
    assert [await runner.process(message_id) for _ in range(5)] == ["later"] * 5
    row = await outbox.row(message_id)
    assert row is not None
    assert (row["failures"], row["attempts"]) == (0, 5)
    await outbox.pass_time(message_id, GIVE_UP_AFTER.total_seconds() + 1)
    assert await runner.process(message_id) == "dead"
    assert await outbox.dead() == [(message_id, "The bell tower does not answer.")]


async def test_the_first_success_after_an_outage_reschedules_postponed_messages(outbox: OutboxFixture) -> None:
    postponed = [await outbox.add() for _ in range(OUTAGE_CALLS)]
    held, faulty, last = [await outbox.add() for _ in range(3)]
    answers = False

    async def handle(message: Message) -> None:
        if message.id == faulty:
            raise ConflictError("It is cracked.")
        if not answers:
            raise UnavailableError("The bell tower does not answer.")

    runner = outbox.runner(handle)
    async with outbox.database.write() as session:
        assert await repository.claim(session, held, 30) is not None
    for message_id in (faulty, *postponed):
        for _ in BACKOFF_SECONDS:
            assert await runner.process(message_id) == "later"
    assert await _due(outbox) == []
    answers = True
    assert await runner.process(last) == "done"
    assert sorted(await _due(outbox)) == sorted(postponed)


async def test_a_single_failed_call_is_no_outage(outbox: OutboxFixture) -> None:
    postponed, last = [await outbox.add() for _ in range(2)]

    async def handle(message: Message) -> None:
        if message.id == postponed:
            raise UnavailableError("The bell tower does not answer.")

    runner = outbox.runner(handle)
    for _ in BACKOFF_SECONDS:
        assert await runner.process(postponed) == "later"
        assert await runner.process(await outbox.add()) == "done"
    assert await runner.process(last) == "done"
    assert await _due(outbox) == []


async def test_repeated_failures_dead_letter_a_message_and_its_error_holds_no_secret(outbox: OutboxFixture) -> None:
    message_id = await outbox.add()

    async def handle(_message: Message) -> None:
        raise RuntimeError("the ringer's password is hunter2")

    runner = outbox.runner(handle, job_failures=3)
    with recorded_logs() as recorded:
        assert [await runner.process(message_id) for _ in range(4)] == ["later", "later", "dead", "not_ours"]
    assert await outbox.dead() == [(message_id, "RuntimeError")]
    assert await outbox.row(message_id) is None
    assert [line["topic"] for line in recorded.lines("job_dead")] == [TOPIC]


async def test_a_message_that_kills_its_workers_is_dead_lettered(outbox: OutboxFixture) -> None:
    message_id, handled = await outbox.add(), 0

    async def handle(_message: Message) -> None:
        nonlocal handled
        handled += 1

    for _ in range(3):
        async with outbox.database.write() as session:
            assert await repository.claim(session, message_id, 30) is not None
        await outbox.pass_time(message_id, 31)
    assert await outbox.runner(handle, job_failures=3).process(message_id) == "dead"
    assert handled == 0
    assert await outbox.dead() == [(message_id, "Its workers died too often.")]


async def test_a_redriven_dead_letter_starts_without_failures(outbox: OutboxFixture) -> None:
    message_id, broken = await outbox.add(bell="9"), True
    await outbox.pass_time(message_id, 2 * GIVE_UP_AFTER.total_seconds())

    async def handle(message: Message) -> str:
        if broken:
            raise ConflictError("It is cracked.")
        return f"rang {message.payload['bell']}"

    async def unavailable(_message: Message) -> None:
        raise UnavailableError("The bell tower does not answer.")

    runner = outbox.runner(handle, job_failures=1)
    assert await runner.process(message_id) == "dead"
    assert await outbox.dead() == [(message_id, "It is cracked.")]
    broken = False
    async with outbox.database.write() as session:
        assert await dead_letters.redrive(session, message_id) == TOPIC
        outbox.writer.notify_workers(session, message_id)
    assert outbox.enqueued == [message_id] * 2
    assert await outbox.dead() == []
    assert await outbox.runner(unavailable).process(message_id) == "later", "its day begins anew"
    assert await runner.process(message_id) == "rang 9"
    async with outbox.database.write() as session:
        assert await dead_letters.redrive(session, message_id) is None


async def test_a_claim_from_before_the_dead_letter_can_not_finish_the_redriven_message(outbox: OutboxFixture) -> None:
    message_id = await outbox.add()
    async with outbox.database.write() as session:
        early = await repository.claim(session, message_id, 30)
    assert early is not None
    async with outbox.database.write() as session:
        assert await dead_letters.bury(session, early, "for the test")
    async with outbox.database.write() as session:
        assert await dead_letters.redrive(session, message_id)
    async with outbox.database.write() as session:
        assert await repository.claim(session, message_id, 30) is not None
    with pytest.raises(LeaseLostError):
        async with outbox.database.write() as session:
            await repository.done(session, early)


async def test_a_long_job_extends_its_claim_and_reports_progress(outbox: OutboxFixture) -> None:
    message_id = await outbox.add()
    half, go_on = asyncio.Event(), asyncio.Event()

    async def handle(message: Message) -> None:
        async with outbox.database.write() as session:
            await repository.set_progress(session, message.claim, 0.5)
        half.set()
        await go_on.wait()

    working = asyncio.create_task(outbox.runner(handle, claim_seconds=0.6).process(message_id))
    await asyncio.wait_for(half.wait(), 20)
    row = await outbox.row(message_id)
    assert row is not None
    first, progress = row["claimed_until"], row["progress"]
    assert progress == 0.5
    async with asyncio.timeout(20):
        while True:
            row = await outbox.row(message_id)
            assert row is not None
            if row["claimed_until"] > first:
                break
            await asyncio.sleep(0.01)
    go_on.set()
    assert await working == "done"


async def test_a_rescheduled_message_is_not_claimed_again_by_its_last_worker(outbox: OutboxFixture) -> None:
    message_id = await outbox.add()

    async def handle(message: Message) -> None:
        async with outbox.database.write() as session:
            await message.reschedule(session)
        (renewing,) = [task for task in asyncio.all_tasks() if task.get_name() == "lease"]
        await asyncio.wait_for(asyncio.shield(renewing), 20)
        with pytest.raises(LeaseLostError):
            async with outbox.database.write() as session:
                await repository.extend(session, message.claim, 60)

    assert await outbox.runner(handle, claim_seconds=0.1).process(message_id) == "again"
    row = await outbox.row(message_id)
    assert row is not None
    assert (row["claimed_until"], row["failures"]) == (None, 0)


async def test_a_worker_that_loses_its_claim_stops_and_writes_nothing(outbox: OutboxFixture) -> None:
    message_id, started = await outbox.add(), asyncio.Event()
    written: list[UUID] = []

    async def handle(message: Message) -> None:
        started.set()
        await asyncio.Event().wait()
        written.append(message.id)

    working = asyncio.create_task(outbox.runner(handle, claim_seconds=0.3).process(message_id))
    await asyncio.wait_for(started.wait(), 20)
    taken = None
    while taken is None:  # the worker may extend its claim in between, and keep it
        await outbox.pass_time(message_id, 60)
        async with outbox.database.write() as session:
            taken = await repository.claim(session, message_id, 60)
    assert await asyncio.wait_for(working, 20) == "not_ours"
    assert written == []


async def test_a_late_worker_can_not_finish_a_message_that_another_claimed(outbox: OutboxFixture) -> None:
    message_id = await outbox.add()

    async def handle(message: Message) -> None:
        await outbox.pass_time(message.id, 60)
        async with outbox.database.write() as session:
            assert await repository.claim(session, message.id, 60) is not None
        async with outbox.database.write() as session:
            outbox.writer.add(session, TOPIC, {"bell": "never"})
            await message.done(session)

    assert await outbox.runner(handle).process(message_id) == "not_ours"
    assert outbox.enqueued == [message_id], "what it wrote does not stand"


async def test_a_job_beyond_its_time_limit_is_ended(outbox: OutboxFixture) -> None:
    message_id = await outbox.add()

    async def handle(_message: Message) -> None:
        await asyncio.Event().wait()

    assert await outbox.runner(handle, job_seconds=0.1).process(message_id) == "later"
    row = await outbox.row(message_id)
    assert row is not None
    assert row["failures"] == 1


async def test_a_topic_of_a_newer_version_is_left_in_the_outbox(outbox: OutboxFixture) -> None:
    async with outbox.database.write() as session:
        message_id = Outbox(outbox.enqueued.append).add(session, "from_tomorrow", {})

    async def handle(_message: Message) -> None:
        raise AssertionError("not this one's")

    assert await outbox.runner(handle).process(message_id) == "later"


async def test_a_job_continues_the_trace_of_its_request_even_after_a_dead_letter(outbox: OutboxFixture) -> None:
    seen: list[tuple[str, str]] = []
    asked = f"00-{'a' * 32}-{'b' * 16}-00", "vendor=said"
    with Tracing(outbox.settings, "test").consuming("asking", *asked):
        message_id = await outbox.add()

    async def fail(_message: Message) -> None:
        seen.append((traceparent(), tracestate()))
        raise ValueError

    async def handle(_message: Message) -> None:
        seen.append((traceparent(), tracestate()))

    assert await outbox.runner(fail, job_failures=1).process(message_id) == "dead"
    async with outbox.database.write() as session:
        assert await dead_letters.redrive(session, message_id) == TOPIC
    assert await outbox.runner(handle).process(message_id) == "done"
    assert seen == [asked, asked]


async def test_old_finished_messages_are_deleted(outbox: OutboxFixture) -> None:
    old, recent, unfinished = [await outbox.add() for _ in range(3)]

    async def handle(_message: Message) -> None:
        """Nothing to do."""

    for message_id in (old, recent):
        assert await outbox.runner(handle).process(message_id) == "done"
    await outbox.pass_time(old, RETENTION.total_seconds() + 1)
    await outbox.pass_time(unfinished, RETENTION.total_seconds() + 1)
    async with outbox.database.write() as session:
        assert await pending.sweep(session) == 1
    assert [await outbox.row(message) is None for message in (old, recent, unfinished)] == [True, False, False]


async def _due(outbox: OutboxFixture) -> list[UUID]:
    """The messages that a reconciler would queue now."""
    async with outbox.database.write() as session:
        return [*await pending.take(session, 100, timedelta(0))]


async def test_messages_that_an_outage_postponed_come_before_newer_ones_oldest_first(outbox: OutboxFixture) -> None:
    old = [await outbox.add() for _ in range(4)]
    for age, message_id in enumerate(old):
        await outbox.pass_time(message_id, 1000 - 100 * age)
        # The provider is unavailable: each is postponed to another time, the oldest to the last.
        await _available(outbox, message_id, after_seconds=40 - 10 * age)
    new = [await outbox.add() for _ in range(2)]
    for age, message_id in enumerate(new):
        await outbox.pass_time(message_id, 60 - age)
    async with outbox.database.write() as session:
        await pending.call_back(session, TOPIC)
    taken: list[UUID] = []
    for _ in range(3):
        async with outbox.database.write() as session:
            taken += await pending.take(session, 2, timedelta(minutes=5))
    assert taken == [*old, *new]


async def test_a_message_that_was_taken_and_put_back_keeps_its_age(outbox: OutboxFixture) -> None:
    old, new = [await outbox.add() for _ in range(2)]
    await outbox.pass_time(old, 100)
    async with outbox.database.write() as session:
        assert await pending.take(session, 1, timedelta(minutes=5)) == [old]
    await outbox.pass_time(new, 50)
    async with outbox.database.write() as session:
        await pending.put_back(session, [old])
    async with outbox.database.write() as session:
        assert await pending.take(session, 1, timedelta(minutes=5)) == [old]


async def _available(outbox: OutboxFixture, message_id: UUID, *, after_seconds: float) -> None:
    """Postpones a message as `postpone` does."""
    statement = update(OutboxMessage).where(OutboxMessage.id == message_id)
    async with outbox.database.write() as session:
        await session.execute(statement.values(available_at=now() + timedelta(seconds=after_seconds)))
