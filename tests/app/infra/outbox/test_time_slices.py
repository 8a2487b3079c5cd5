"""Long jobs: they get on in turns, nobody waits for their end, and no step is taken twice."""

from typing import TYPE_CHECKING

import pytest

from app.infra.outbox import repository
from app.infra.outbox.claimed_message import Message
from app.infra.outbox.time_slices import Batch, TimeSlices
from tests.app.infra.outbox.conftest import Bench

if TYPE_CHECKING:
    from app.infra.database import WriteSession
    from app.infra.outbox.claimed_message import Handler

pytestmark = pytest.mark.anyio


class Walk:
    """A job of some steps; each puts a message into the outbox, so that its transaction has something to lose."""

    def __init__(self, bench: Bench, steps: int, slice_seconds: float = 0) -> None:
        self.bench = bench
        self.left = steps
        self.steps = steps
        self.turns = TimeSlices(bench.database, bench.outbox, slice_seconds)

    async def step(self, _session: "WriteSession") -> Batch:
        self.left -= 1
        return Batch(1 - self.left / self.steps, then="end" if self.left == 0 else "continue")

    def handler(self) -> "Handler":
        async def handle(message: Message) -> None:
            await self.turns.run(message, self.step)

        return handle


async def test_a_job_goes_back_to_the_end_of_the_queue_after_each_turn(bench: Bench) -> None:
    message_id = await bench.add()
    runner = bench.runner(Walk(bench, 3).handler())
    assert [await runner.process(message_id) for _ in range(4)] == ["again", "again", "done", "not_ours"]
    assert bench.hints == [message_id] * 3, "one from the start, and one for each turn that was not the last"
    row = await bench.row(message_id)
    assert row is not None
    assert (row["progress"], row["failures"], row["attempts"]) == (1.0, 0, 3)


async def test_a_turn_has_as_many_steps_as_fit_its_time(bench: Bench) -> None:
    message_id = await bench.add()
    walk = Walk(bench, 50, slice_seconds=60)
    assert await bench.runner(walk.handler()).process(message_id) == "done"
    assert walk.left == 0


async def test_a_step_may_ask_for_the_end_of_the_queue_before_its_turn_is_over(bench: Bench) -> None:
    message_id = await bench.add()
    turns = TimeSlices(bench.database, bench.outbox, slice_seconds=60)

    async def step(_session: "WriteSession") -> Batch:
        return Batch(0.5, then="queue")

    async def handle(message: Message) -> None:
        await turns.run(message, step)

    assert await bench.runner(handle).process(message_id) == "again"
    assert bench.hints == [message_id] * 2


async def test_progress_is_told_and_faults_are_forgotten_once_it_gets_on(bench: Bench) -> None:
    message_id, broken = await bench.add(), True
    walk = Walk(bench, 4)

    async def handle(message: Message) -> None:
        if broken:
            raise RuntimeError("a fault")
        await walk.turns.run(message, walk.step)

    runner = bench.runner(handle, job_failures=2)
    for _ in range(3):
        broken = True
        assert await runner.process(message_id) == "later"
        broken = False
        assert await runner.process(message_id) == "again"
    row = await bench.row(message_id)
    assert row is not None
    assert (row["progress"], row["failures"], row["claimed_until"]) == (0.75, 0, None)


async def test_who_can_not_get_on_waits_without_a_hint(bench: Bench) -> None:
    message_id = await bench.add()
    turns = TimeSlices(bench.database, bench.outbox)

    async def step(_session: "WriteSession") -> Batch:
        return Batch(0.5, then="wait")

    async def handle(message: Message) -> None:
        await turns.run(message, step)

    assert await bench.runner(handle).process(message_id) == "again"
    assert bench.hints == [message_id]


async def test_a_step_of_who_has_lost_the_job_does_not_stand(bench: Bench) -> None:
    message_id = await bench.add()
    turns = TimeSlices(bench.database, bench.outbox, slice_seconds=60)
    stepped = 0

    async def step(session: "WriteSession") -> Batch:
        nonlocal stepped
        stepped += 1
        bench.outbox.add(session, "never", {})
        return Batch(0.5)

    async def handle(message: Message) -> None:
        await bench.pass_time(message.id, 60)
        async with bench.database.write() as session:
            assert await repository.claim(session, message.id, 60) is not None
        await turns.run(message, step)

    assert await bench.runner(handle).process(message_id) == "not_ours"
    assert (stepped, bench.hints) == (0, [message_id])
