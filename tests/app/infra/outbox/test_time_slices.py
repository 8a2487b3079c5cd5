"""Long jobs run in time slices: other jobs run in between, and no step runs twice."""

from typing import TYPE_CHECKING

import pytest

from app.infra.outbox import repository
from app.infra.outbox.claimed_message import Message
from app.infra.outbox.time_slices import Batch, TimeSlices
from tests.app.infra.outbox.conftest import OutboxFixture

if TYPE_CHECKING:
    from app.infra.database import WriteSession
    from app.infra.outbox.claimed_message import Handler

pytestmark = pytest.mark.anyio


class SteppedJob:
    """A job of a fixed number of steps."""

    def __init__(self, outbox: OutboxFixture, steps: int, slice_seconds: float = 0) -> None:
        self.outbox = outbox
        self.left = steps
        self.steps = steps
        self.slices = TimeSlices(outbox.database, outbox.writer, slice_seconds)

    async def step(self, _session: "WriteSession") -> Batch:
        self.left -= 1
        return Batch(1 - self.left / self.steps, then="end" if self.left == 0 else "continue")

    def handler(self) -> "Handler":
        async def handle(message: Message) -> None:
            await self.slices.run(message, self.step)

        return handle


async def test_a_job_goes_to_the_end_of_the_queue_after_each_slice(outbox: OutboxFixture) -> None:
    message_id = await outbox.add()
    runner = outbox.runner(SteppedJob(outbox, 3).handler())
    assert [await runner.process(message_id) for _ in range(4)] == ["again", "again", "done", "not_ours"]
    assert outbox.enqueued == [message_id] * 3, "one from the start, and one for each turn that was not the last"
    row = await outbox.row(message_id)
    assert row is not None
    assert (row["progress"], row["failures"], row["attempts"]) == (1.0, 0, 3)


async def test_a_slice_has_as_many_steps_as_fit_its_time(outbox: OutboxFixture) -> None:
    message_id = await outbox.add()
    job = SteppedJob(outbox, 50, slice_seconds=60)
    assert await outbox.runner(job.handler()).process(message_id) == "done"
    assert job.left == 0


async def test_a_step_may_end_its_slice_early(outbox: OutboxFixture) -> None:
    message_id = await outbox.add()
    slices = TimeSlices(outbox.database, outbox.writer, slice_seconds=60)

    async def step(_session: "WriteSession") -> Batch:
        return Batch(0.5, then="queue")

    async def handle(message: Message) -> None:
        await slices.run(message, step)

    assert await outbox.runner(handle).process(message_id) == "again"
    assert outbox.enqueued == [message_id] * 2


async def test_progress_is_reported_and_failures_are_reset_once_a_step_succeeds(outbox: OutboxFixture) -> None:
    message_id, broken = await outbox.add(), True
    job = SteppedJob(outbox, 4)

    async def handle(message: Message) -> None:
        if broken:
            raise RuntimeError("a fault")
        await job.slices.run(message, job.step)

    runner = outbox.runner(handle, job_failures=2)
    for _ in range(3):
        broken = True
        assert await runner.process(message_id) == "later"
        broken = False
        assert await runner.process(message_id) == "again"
    row = await outbox.row(message_id)
    assert row is not None
    assert (row["progress"], row["failures"], row["claimed_until"]) == (0.75, 0, None)


async def test_a_job_that_can_not_proceed_is_postponed_without_a_notification(outbox: OutboxFixture) -> None:
    message_id = await outbox.add()
    slices = TimeSlices(outbox.database, outbox.writer)

    async def step(_session: "WriteSession") -> Batch:
        return Batch(0.5, then="wait")

    async def handle(message: Message) -> None:
        await slices.run(message, step)

    assert await outbox.runner(handle).process(message_id) == "again"
    assert outbox.enqueued == [message_id]


async def test_a_worker_that_lost_its_claim_runs_no_step(outbox: OutboxFixture) -> None:
    message_id = await outbox.add()
    slices = TimeSlices(outbox.database, outbox.writer, slice_seconds=60)
    stepped = 0

    async def step(session: "WriteSession") -> Batch:
        nonlocal stepped
        stepped += 1
        outbox.writer.add(session, "never", {})
        return Batch(0.5)

    async def handle(message: Message) -> None:
        await outbox.pass_time(message.id, 60)
        async with outbox.database.write() as session:
            assert await repository.claim(session, message.id, 60) is not None
        await slices.run(message, step)

    assert await outbox.runner(handle).process(message_id) == "not_ours"
    assert (stepped, outbox.enqueued) == (0, [message_id])
