"""Runs long jobs in time slices, so that neither later messages nor a worker that must stop wait for their end."""

import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from app.infra.database import Database, WriteSession
from app.infra.outbox import repository
from app.infra.outbox.claimed_message import Message
from app.infra.outbox.outbox import Outbox

SLICE_SECONDS: Final = 2.0
WAIT_SECONDS: Final = 5.0


@dataclass(frozen=True, slots=True)
class Batch:
    """Result of one batch: the `share` of the job that is done, from 0 to 1, and what follows.

    `continue`: the next batch. `queue`: the messages that are already queued, those of this batch included. `wait`: a
    pause, since nothing can be done now. `end`: nothing; `result` is stored for the task's view.
    """

    share: float
    then: Literal["continue", "queue", "wait", "end"] = "continue"
    result: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class TimeSlices:
    """Runs the batches of long jobs, each in one transaction with the job's progress.

    A worker's death undoes the batch under way. After `slice_seconds` the message goes back to the end of the queue; a
    slice has at least one batch.
    """

    database: Database
    outbox: Outbox
    slice_seconds: float = SLICE_SECONDS

    async def run(self, message: Message, batch: Callable[[WriteSession], Awaitable[Batch]]) -> None:
        """Runs one slice. Raises LeaseLostError when another worker has taken the job over; the batch is rolled back.

        The message is locked before each batch, so that no other worker runs a batch of the job at the same time.
        """
        ends = time.monotonic() + self.slice_seconds
        while message.outcome is None:
            async with self.database.write() as session:
                await repository.lock(session, message.claim)
                done = await batch(session)
                await repository.set_progress(session, message.claim, done.share)
                if done.then == "end":
                    await message.done(session, done.result)
                elif done.then == "wait":
                    await message.reschedule(session, after_seconds=WAIT_SECONDS)
                elif done.then == "queue" or time.monotonic() >= ends:
                    await message.reschedule(session)
                    self.outbox.notify_workers(session, message.id)
