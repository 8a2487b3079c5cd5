"""The reconciler: looks at what is, not at what happened, and queues again what waits too long."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from datetime import timedelta
from typing import Final, Protocol
from uuid import UUID

import structlog

from app.errors import UnavailableError
from app.infra.database import Database, ReadSession, WriteSession
from app.infra.outbox import dead_letters, pending
from app.telemetry.metrics import BacklogMetrics, OutboxMetrics

# As many hints as slow workers take within the pause: what is hinted at again meanwhile is work in vain.
BATCH: Final = 50
PAUSE: Final = timedelta(seconds=15)
MORE_SECONDS: Final = 1.0
SWEEP_SECONDS: Final = 600.0
SWEEP_ROUNDS: Final = 20

Sweep = Callable[[WriteSession], Awaitable[int]]
Watch = Callable[[ReadSession], Awaitable[None]]


class Queue(Protocol):
    """The way to the workers. Raises UnavailableError when it is cut."""

    async def publish(self, message_id: UUID) -> object:
        """Tells the workers of a message."""

    async def waiting(self) -> int:
        """How many hints nobody has taken yet."""


class Reconciler:
    """Level-triggered: any number may run, any of them may die, and no message is remembered between two looks.

    It leaves a queue alone that is long enough: who is slow would otherwise be told of the same again and again.
    `sweeps` remove what has had its time, now and then; each removes a bounded number of rows, and says how many.
    `watches` look at what others want to know of the database, each time.
    """

    def __init__(
        self,
        database: Database,
        queue: Queue,
        metrics: OutboxMetrics,
        every: float,
        sweeps: Sequence[Sweep] = (),
        *,
        backlog: BacklogMetrics | None = None,
        watches: Sequence[Watch] = (),
    ) -> None:
        self._database = database
        self._queue = queue
        self._metrics = metrics
        self._every = every
        self._sweeps = sweeps
        self._backlog = backlog
        self._watches = watches
        self._more = False  # waits than there was room for
        self.looked_at = float("-inf")  # of time.monotonic(): the last look that succeeded

    async def look(self) -> int:
        """One look; how many messages it queued. Raises UnavailableError without a database."""
        await self._measure()
        return await self._hint()

    async def _measure(self) -> None:
        """Sets the gauges; first of all, since the queue may not answer, and they must not stand still meanwhile."""
        async with self._database.read() as session:
            backlog = await pending.backlog(session)
            dead = await dead_letters.count(session)
            for watch in self._watches:
                await watch(session)
        self._metrics.pending.set(sum(count for count, _ in backlog.values()))
        self._metrics.oldest.set(max((age for _, age in backlog.values()), default=0))
        if self._backlog is not None:
            self._backlog.set(backlog)
        self._metrics.dead.set(dead)
        self.looked_at = time.monotonic()

    async def _hint(self) -> int:
        """Fills the queue with what waits; how many it took. What it does not take is tried at the next look."""
        self._more = False
        try:
            room = BATCH - await self._queue.waiting()
        except UnavailableError as error:
            _tell_postponed(error)
            self._more = True  # for all that is known, and who waits shall not wait for the next look
            return 0
        if room <= 0:
            return 0
        async with self._database.write() as session:
            messages = await pending.take(session, room, PAUSE)
        hinted = await self._publish(messages)
        self._more = len(messages) == room or hinted < len(messages)
        self._metrics.requeued.inc(hinted)
        return hinted

    async def _publish(self, messages: Sequence[UUID]) -> int:
        """How many the queue took before it was cut off; the rest is put back."""
        for count, message_id in enumerate(messages):
            try:
                await self._queue.publish(message_id)
            except UnavailableError as error:
                _tell_postponed(error)
                async with self._database.write() as session:
                    await pending.put_back(session, messages[count:])
                return count
        return len(messages)

    async def sweep(self) -> bool:
        """Some rounds of every sweep, each round in its own transaction; whether they found an end.

        Raises UnavailableError without a database.
        """
        return all([await self._sweep(sweep) for sweep in self._sweeps])

    async def _sweep(self, sweep: Sweep) -> bool:
        removed = 0
        for _ in range(SWEEP_ROUNDS):
            async with self._database.write() as session:
                count = await sweep(session)
            removed += count
            if count == 0:
                break
        if removed:
            structlog.get_logger().info("swept", sweep=sweep.__module__, count=removed)
        return count == 0

    async def run(self, stop: asyncio.Event) -> None:
        """Looks again and again, and ends after the look in which it is told to.

        An absent database is waited for, and a fault is told. The first look sweeps nothing: a start has enough to do.
        """
        log = structlog.get_logger()
        sweep_at = time.monotonic() + self._every
        while not stop.is_set():
            try:
                # What more there is comes soon; what others want to know of it, no more often than else.
                hurried = self._more and time.monotonic() < self.looked_at + self._every
                queued = await (self._hint() if hurried else self.look())
                if queued:
                    log.info("messages_requeued", count=queued)
                if time.monotonic() >= sweep_at and await self.sweep():
                    sweep_at = time.monotonic() + SWEEP_SECONDS
            except UnavailableError as error:
                _tell_postponed(error)
            except Exception:
                log.exception("reconcile_failed")
            with suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), min(self._every, MORE_SECONDS) if self._more else self._every)


def _tell_postponed(error: UnavailableError) -> None:
    structlog.get_logger().warning("reconcile_postponed", reason=str(error))
