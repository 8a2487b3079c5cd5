"""Working on messages: done once, tried again later, given up after too many faults, brought back by a person."""

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
from tests.app.infra.outbox.conftest import TOPIC, Bench
from tests.support.recorded_telemetry import recorded_logs

pytestmark = pytest.mark.anyio


async def test_a_message_is_handled_once_with_what_was_put_in(bench: Bench) -> None:
    message_id, seen = await bench.add(bell="7"), []

    async def handle(message: Message) -> None:
        seen.append(message.payload)

    runner = bench.runner(handle)
    assert bench.hints == [message_id]
    assert await runner.process(message_id) == "done"
    assert await runner.process(message_id) == "not_ours"
    assert seen == [{"bell": "7"}]
    row = await bench.row(message_id)
    assert row is not None
    assert (row["progress"], row["failures"], row["attempts"]) == (1.0, 0, 1)


async def test_no_hint_is_given_of_what_was_not_committed(bench: Bench) -> None:
    async def fail() -> None:
        async with bench.database.write() as session:
            bench.outbox.add(session, TOPIC, {"bell": "1"})
            raise ConflictError("no")

    with pytest.raises(ConflictError):
        await fail()
    assert bench.hints == []


async def test_of_many_workers_one_gets_it(bench: Bench) -> None:
    message_id, handled = await bench.add(), []

    async def handle(message: Message) -> None:
        handled.append(message.id)

    outcomes = await asyncio.gather(*(bench.runner(handle).process(message_id) for _ in range(8)))
    assert sorted(outcomes) == ["done"] + ["not_ours"] * 7
    assert handled == [message_id]


async def test_a_dependency_that_is_gone_is_waited_for_a_day_and_is_nobodys_fault(bench: Bench) -> None:
    message_id = await bench.add()

    async def handle(_message: Message) -> None:
        raise UnavailableError("The bell tower does not answer.")

    runner = bench.runner(handle, job_failures=2)
    assert [await runner.process(message_id) for _ in range(5)] == ["later"] * 5
    row = await bench.row(message_id)
    assert row is not None
    assert (row["failures"], row["attempts"]) == (0, 5)
    await bench.pass_time(message_id, GIVE_UP_AFTER.total_seconds() + 1)
    assert await runner.process(message_id) == "dead"
    assert await bench.dead() == [(message_id, "The bell tower does not answer.")]


async def test_after_an_outage_whoever_gets_through_first_calls_the_others_back(bench: Bench) -> None:
    postponed = [await bench.add() for _ in range(OUTAGE_CALLS)]
    held, faulty, last = [await bench.add() for _ in range(3)]
    answers = False

    async def handle(message: Message) -> None:
        if message.id == faulty:
            raise ConflictError("It is cracked.")
        if not answers:
            raise UnavailableError("The bell tower does not answer.")

    runner = bench.runner(handle)
    async with bench.database.write() as session:
        assert await repository.claim(session, held, 30) is not None
    for message_id in (faulty, *postponed):
        for _ in BACKOFF_SECONDS:
            assert await runner.process(message_id) == "later"
    assert await _takeable(bench) == []
    answers = True
    assert await runner.process(last) == "done"
    assert sorted(await _takeable(bench)) == sorted(postponed)


async def test_a_single_call_without_an_answer_is_no_outage(bench: Bench) -> None:
    postponed, last = [await bench.add() for _ in range(2)]

    async def handle(message: Message) -> None:
        if message.id == postponed:
            raise UnavailableError("The bell tower does not answer.")

    runner = bench.runner(handle)
    for _ in BACKOFF_SECONDS:
        assert await runner.process(postponed) == "later"
        assert await runner.process(await bench.add()) == "done"
    assert await runner.process(last) == "done"
    assert await _takeable(bench) == []


async def test_what_fails_too_often_is_put_aside_and_names_no_secret(bench: Bench) -> None:
    message_id = await bench.add()

    async def handle(_message: Message) -> None:
        raise RuntimeError("the ringer's password is hunter2")

    runner = bench.runner(handle, job_failures=3)
    with recorded_logs() as recorded:
        assert [await runner.process(message_id) for _ in range(4)] == ["later", "later", "dead", "not_ours"]
    assert await bench.dead() == [(message_id, "RuntimeError")]
    assert await bench.row(message_id) is None
    assert [line["topic"] for line in recorded.lines("job_dead")] == [TOPIC]


async def test_what_kills_its_workers_is_put_aside_too(bench: Bench) -> None:
    message_id, handled = await bench.add(), 0

    async def handle(_message: Message) -> None:
        nonlocal handled
        handled += 1

    for _ in range(3):
        async with bench.database.write() as session:
            assert await repository.claim(session, message_id, 30) is not None
        await bench.pass_time(message_id, 31)
    assert await bench.runner(handle, job_failures=3).process(message_id) == "dead"
    assert handled == 0
    assert await bench.dead() == [(message_id, "Its workers died too often.")]


async def test_a_dead_letter_is_brought_back_with_its_faults_forgotten(bench: Bench) -> None:
    message_id, broken = await bench.add(bell="9"), True
    await bench.pass_time(message_id, 2 * GIVE_UP_AFTER.total_seconds())

    async def handle(message: Message) -> str:
        if broken:
            raise ConflictError("It is cracked.")
        return f"rang {message.payload['bell']}"

    async def nobody_there(_message: Message) -> None:
        raise UnavailableError("The bell tower does not answer.")

    runner = bench.runner(handle, job_failures=1)
    assert await runner.process(message_id) == "dead"
    assert await bench.dead() == [(message_id, "It is cracked.")]
    broken = False
    async with bench.database.write() as session:
        assert await dead_letters.redrive(session, message_id) == TOPIC
        bench.outbox.notify_workers(session, message_id)
    assert bench.hints == [message_id] * 2
    assert await bench.dead() == []
    assert await bench.runner(nobody_there).process(message_id) == "later", "its day begins anew"
    assert await runner.process(message_id) == "rang 9"
    async with bench.database.write() as session:
        assert await dead_letters.redrive(session, message_id) is None


async def test_who_held_a_message_before_it_died_can_not_end_its_second_life(bench: Bench) -> None:
    message_id = await bench.add()
    async with bench.database.write() as session:
        early = await repository.claim(session, message_id, 30)
    assert early is not None
    async with bench.database.write() as session:
        assert await dead_letters.bury(session, early, "for the test")
    async with bench.database.write() as session:
        assert await dead_letters.redrive(session, message_id)
    async with bench.database.write() as session:
        assert await repository.claim(session, message_id, 30) is not None
    with pytest.raises(LeaseLostError):
        async with bench.database.write() as session:
            await repository.done(session, early)


async def test_a_long_job_keeps_its_message_and_tells_how_far_it_is(bench: Bench) -> None:
    message_id = await bench.add()
    half, go_on = asyncio.Event(), asyncio.Event()

    async def handle(message: Message) -> None:
        async with bench.database.write() as session:
            await repository.set_progress(session, message.claim, 0.5)
        half.set()
        await go_on.wait()

    working = asyncio.create_task(bench.runner(handle, claim_seconds=0.6).process(message_id))
    await asyncio.wait_for(half.wait(), 20)
    row = await bench.row(message_id)
    assert row is not None
    first, progress = row["claimed_until"], row["progress"]
    assert progress == 0.5
    async with asyncio.timeout(20):
        while True:
            row = await bench.row(message_id)
            assert row is not None
            if row["claimed_until"] > first:
                break
            await asyncio.sleep(0.01)
    go_on.set()
    assert await working == "done"


async def test_what_was_given_back_is_not_claimed_again_by_who_held_it(bench: Bench) -> None:
    message_id = await bench.add()

    async def handle(message: Message) -> None:
        async with bench.database.write() as session:
            await message.reschedule(session)
        (renewing,) = [task for task in asyncio.all_tasks() if task.get_name() == "lease"]
        await asyncio.wait_for(asyncio.shield(renewing), 20)
        with pytest.raises(LeaseLostError):
            async with bench.database.write() as session:
                await repository.extend(session, message.claim, 60)

    assert await bench.runner(handle, claim_seconds=0.1).process(message_id) == "again"
    row = await bench.row(message_id)
    assert row is not None
    assert (row["claimed_until"], row["failures"]) == (None, 0)


async def test_who_has_lost_the_message_stops_and_writes_nothing(bench: Bench) -> None:
    message_id, started = await bench.add(), asyncio.Event()
    written: list[UUID] = []

    async def handle(message: Message) -> None:
        started.set()
        await asyncio.Event().wait()
        written.append(message.id)

    working = asyncio.create_task(bench.runner(handle, claim_seconds=0.3).process(message_id))
    await asyncio.wait_for(started.wait(), 20)
    taken = None
    while taken is None:  # it may be renewed in between: then it is still its own
        await bench.pass_time(message_id, 60)
        async with bench.database.write() as session:
            taken = await repository.claim(session, message_id, 60)
    assert await asyncio.wait_for(working, 20) == "not_ours"
    assert written == []


async def test_who_comes_late_can_not_end_the_message_of_who_took_over(bench: Bench) -> None:
    message_id = await bench.add()

    async def handle(message: Message) -> None:
        await bench.pass_time(message.id, 60)
        async with bench.database.write() as session:
            assert await repository.claim(session, message.id, 60) is not None
        async with bench.database.write() as session:
            bench.outbox.add(session, TOPIC, {"bell": "never"})
            await message.done(session)

    assert await bench.runner(handle).process(message_id) == "not_ours"
    assert bench.hints == [message_id], "what it wrote does not stand"


async def test_a_job_that_takes_too_long_is_ended(bench: Bench) -> None:
    message_id = await bench.add()

    async def handle(_message: Message) -> None:
        await asyncio.Event().wait()

    assert await bench.runner(handle, job_seconds=0.1).process(message_id) == "later"
    row = await bench.row(message_id)
    assert row is not None
    assert row["failures"] == 1


async def test_a_topic_of_a_newer_version_is_left_to_it(bench: Bench) -> None:
    async with bench.database.write() as session:
        message_id = Outbox(bench.hints.append).add(session, "from_tomorrow", {})

    async def handle(_message: Message) -> None:
        raise AssertionError("not this one's")

    assert await bench.runner(handle).process(message_id) == "later"


async def test_a_job_goes_on_with_the_trace_of_who_asked_for_it_even_after_its_death(bench: Bench) -> None:
    seen: list[tuple[str, str]] = []
    asked = f"00-{'a' * 32}-{'b' * 16}-00", "vendor=said"
    with Tracing(bench.settings, "test").consuming("asking", *asked):
        message_id = await bench.add()

    async def fail(_message: Message) -> None:
        seen.append((traceparent(), tracestate()))
        raise ValueError

    async def handle(_message: Message) -> None:
        seen.append((traceparent(), tracestate()))

    assert await bench.runner(fail, job_failures=1).process(message_id) == "dead"
    async with bench.database.write() as session:
        assert await dead_letters.redrive(session, message_id) == TOPIC
    assert await bench.runner(handle).process(message_id) == "done"
    assert seen == [asked, asked]


async def test_what_was_done_long_ago_is_swept(bench: Bench) -> None:
    old, young, unfinished = [await bench.add() for _ in range(3)]

    async def handle(_message: Message) -> None:
        """Nothing to do."""

    for message_id in (old, young):
        assert await bench.runner(handle).process(message_id) == "done"
    await bench.pass_time(old, RETENTION.total_seconds() + 1)
    await bench.pass_time(unfinished, RETENTION.total_seconds() + 1)
    async with bench.database.write() as session:
        assert await pending.sweep(session) == 1
    assert [await bench.row(message) is None for message in (old, young, unfinished)] == [True, False, False]


async def _takeable(bench: Bench) -> list[UUID]:
    """What a reconciler would hint at now."""
    async with bench.database.write() as session:
        return [*await pending.take(session, 100, timedelta(0))]


async def test_what_an_outage_held_up_comes_before_what_was_written_since_and_the_oldest_first(bench: Bench) -> None:
    old = [await bench.add() for _ in range(4)]
    for age, message_id in enumerate(old):
        await bench.pass_time(message_id, 1000 - 100 * age)
        # The provider is gone: each goes back with a pause that ends at another time, the oldest's last.
        await _available(bench, message_id, after_seconds=40 - 10 * age)
    new = [await bench.add() for _ in range(2)]
    for age, message_id in enumerate(new):
        await bench.pass_time(message_id, 60 - age)
    async with bench.database.write() as session:
        await pending.call_back(session, TOPIC)
    taken: list[UUID] = []
    for _ in range(3):
        async with bench.database.write() as session:
            taken += await pending.take(session, 2, timedelta(minutes=5))
    assert taken == [*old, *new]


async def test_what_was_taken_and_not_handed_on_keeps_its_age(bench: Bench) -> None:
    old, new = [await bench.add() for _ in range(2)]
    await bench.pass_time(old, 100)
    async with bench.database.write() as session:
        assert await pending.take(session, 1, timedelta(minutes=5)) == [old]
    await bench.pass_time(new, 50)
    async with bench.database.write() as session:
        await pending.put_back(session, [old])
    async with bench.database.write() as session:
        assert await pending.take(session, 1, timedelta(minutes=5)) == [old]


async def _available(bench: Bench, message_id: UUID, *, after_seconds: float) -> None:
    """As `postpone` leaves a message."""
    statement = update(OutboxMessage).where(OutboxMessage.id == message_id)
    async with bench.database.write() as session:
        await session.execute(statement.values(available_at=now() + timedelta(seconds=after_seconds)))
