"""Long jobs, a turn at a time: neither what came later nor a worker that must stop waits for their end."""

import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from app.infra.database import Database, WriteSession
from app.infra.outbox.claimed_message import Message
from app.infra.outbox.outbox import Outbox

TURN_SECONDS: Final = 2.0
WAIT_SECONDS: Final = 5.0


@dataclass(frozen=True, slots=True)
class Step:
    """How far the job is after a step: `share` of it, from 0 to 1, and what comes then.

    `step`: another one. `queue`: first what others have put into the queue, and what this step has. `wait`: it can't
    get on just now. `end`: nothing, and `result` is kept for whoever asks.
    """

    share: float
    then: Literal["step", "queue", "wait", "end"] = "step"
    result: Mapping[str, Any] | None = None


class Turns:
    """Takes the steps of long jobs, each in a transaction of its own, with how far the job is.

    A step whose worker dies is as if it had not been begun. `turn_seconds` is when the message goes back to the end of
    the queue; a turn has one step at least.
    """

    def __init__(self, database: Database, outbox: Outbox, turn_seconds: float = TURN_SECONDS) -> None:
        self._database = database
        self._outbox = outbox
        self._turn_seconds = turn_seconds

    async def take(self, message: Message, step: Callable[[WriteSession], Awaitable[Step]]) -> None:
        """One turn. Raises LeaseLostError when another worker has taken the job over; then no step of this one stands.

        Nobody else takes a step of the job meanwhile: the message is held first, then worked on.
        """
        ends = time.monotonic() + self._turn_seconds
        while message.outcome is None:
            async with self._database.write() as session:
                await message.hold(session)
                taken = await step(session)
                await message.progress(taken.share, session)
                if taken.then == "end":
                    await message.done(session, taken.result)
                elif taken.then == "wait":
                    await message.again(session, after_seconds=WAIT_SECONDS)
                elif taken.then == "queue" or time.monotonic() >= ends:
                    await message.again(session)
                    self._outbox.hint(session, message.id)
