"""The reconciler: level-triggered, it requeues messages that wait too long."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import KW_ONLY, dataclass, field
from datetime import timedelta
from typing import Final, Protocol
from uuid import UUID

import structlog

from app.errors import UnavailableError
from app.infra.database import Database, ReadSession, WriteSession
from app.infra.outbox import dead_letters, pending
from app.telemetry.metrics import BacklogMetrics, OutboxMetrics

# What slow workers take within the pause: to queue a message again meanwhile is useless.
BATCH: Final = 50
PAUSE: Final = timedelta(seconds=15)
MORE_SECONDS: Final = 1.0
SWEEP_SECONDS: Final = 600.0
SWEEP_ROUNDS: Final = 20

Sweep = Callable[[WriteSession], Awaitable[int]]
Watch = Callable[[ReadSession], Awaitable[None]]


class Queue(Protocol):
    """The queue to the workers. Its methods raise UnavailableError during an outage."""

    async def publish(self, message_id: UUID) -> object:
        """Notifies the workers of a message."""

    async def waiting(self) -> int:
        """Returns the number of notifications that no worker has taken."""


@dataclass(slots=True)
class Reconciler:
    """Requeues pending messages. Any number may run, any may die, and none remembers a message between two runs.

    It adds nothing to a queue that is long enough: slow workers would get the same messages again and again. `sweeps`
    delete old rows from time to time, each a bounded number, which it returns. `watches` query the database for metrics
    at each run.
    """

    database: Database
    queue: Queue
    metrics: OutboxMetrics
    every: float  # seconds
    sweeps: Sequence[Sweep] = ()
    _: KW_ONLY
    backlog: BacklogMetrics | None = None
    watches: Sequence[Watch] = ()
    looked_at: float = field(default=float("-inf"), init=False)  # of time.monotonic(): the last successful run
    _more: bool = field(default=False, init=False)  # messages wait than the queue had room for

    async def look(self) -> int:
        """Runs once; returns the number of messages that it queued. Raises UnavailableError without a database."""
        await self._measure()
        return await self._requeue()

    async def _measure(self) -> None:
        """Sets the gauges, before the queue is called, which may not answer."""
        async with self.database.read() as session:
            backlog = await pending.backlog(session)
            dead = await dead_letters.count(session)
            for watch in self.watches:
                await watch(session)
        self.metrics.pending.set(sum(count for count, _ in backlog.values()))
        self.metrics.oldest.set(max((age for _, age in backlog.values()), default=0))
        if self.backlog is not None:
            self.backlog.set(backlog)
        self.metrics.dead.set(dead)
        self.looked_at = time.monotonic()

    async def _requeue(self) -> int:
        """Fills the queue with pending messages; returns how many it accepted. The rest is retried at the next run."""
        self._more = False
        try:
            room = BATCH - await self.queue.waiting()
        except UnavailableError as error:
            _log_postponed(error)
            self._more = True  # unknown, so that waiting messages do not wait for the next run
            return 0
        if room <= 0:
            return 0
        async with self.database.write() as session:
            messages = await pending.take(session, room, PAUSE)
        queued = await self._publish(messages)
        self._more = len(messages) == room or queued < len(messages)
        self.metrics.requeued.inc(queued)
        return queued

    async def _publish(self, messages: Sequence[UUID]) -> int:
        """Returns how many messages the queue accepted before an outage; puts the rest back."""
        for count, message_id in enumerate(messages):
            try:
                await self.queue.publish(message_id)
            except UnavailableError as error:
                _log_postponed(error)
                async with self.database.write() as session:
                    await pending.put_back(session, messages[count:])
                return count
        return len(messages)

    async def sweep(self) -> bool:
        """Runs some rounds of every sweep; returns whether all are done. Raises UnavailableError without a database."""
        return all([await self._sweep(sweep) for sweep in self.sweeps])

    async def _sweep(self, sweep: Sweep) -> bool:
        removed = 0
        for _ in range(SWEEP_ROUNDS):
            async with self.database.write() as session:
                count = await sweep(session)
            removed += count
            if count == 0:
                break
        if removed:
            structlog.get_logger().info("swept", sweep=sweep.__module__, count=removed)
        return count == 0

    async def run(self, stop: asyncio.Event) -> None:
        """Runs periodically until `stop` is set; waits for an absent database, and logs faults."""
        log = structlog.get_logger()
        sweep_at = time.monotonic() + self.every  # not in the first run, to keep the start short
        while not stop.is_set():
            try:
                # More messages are queued soon; the gauges are set no more often than usual.
                hurried = self._more and time.monotonic() < self.looked_at + self.every
                queued = await (self._requeue() if hurried else self.look())
                if queued:
                    log.info("messages_requeued", count=queued)
                if time.monotonic() >= sweep_at and await self.sweep():
                    sweep_at = time.monotonic() + SWEEP_SECONDS
            except UnavailableError as error:
                _log_postponed(error)
            except Exception:
                log.exception("reconcile_failed")
            with suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), min(self.every, MORE_SECONDS) if self._more else self.every)


def _log_postponed(error: UnavailableError) -> None:
    structlog.get_logger().warning("reconcile_postponed", reason=str(error))
