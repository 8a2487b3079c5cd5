"""The reconciler: looks at what is, not at what happened, and queues again what waits too long."""

import asyncio
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Final
from uuid import UUID

import structlog

from app.errors import UnavailableError
from app.infra.database import Database
from app.orders import outbox
from app.telemetry.metrics import OutboxMetrics

BATCH: Final = 200
PAUSE: Final = timedelta(seconds=15)


class Reconciler:
    """Level-triggered: any number may run, any of them may die, and nothing is remembered between two looks."""

    def __init__(
        self, database: Database, enqueue: Callable[[UUID], None], metrics: OutboxMetrics, every: float
    ) -> None:
        self._database = database
        self._enqueue = enqueue
        self._metrics = metrics
        self._every = every
        self.looked_at = float("-inf")  # of time.monotonic(): the last look that succeeded

    async def look(self) -> int:
        """One look; how many messages it queued. Raises UnavailableError without a database."""
        async with self._database.write() as session:
            waiting = await outbox.take_waiting(session, BATCH, PAUSE)
        for message_id in waiting:
            self._enqueue(message_id)
        self._metrics.requeued.inc(len(waiting))
        async with self._database.read() as session:
            count, age = await outbox.backlog(session)
        self._metrics.pending.set(count)
        self._metrics.oldest.set(age)
        self.looked_at = time.monotonic()
        return len(waiting)

    async def run(self) -> None:
        """Looks again and again until cancelled; an absent database is waited for, and a fault is told."""
        log = structlog.get_logger()
        while True:
            try:
                queued = await self.look()
                if queued:
                    log.info("messages_requeued", count=queued)
            except UnavailableError as error:
                log.warning("reconcile_postponed", reason=str(error))
            except Exception:
                log.exception("reconcile_failed")
            await asyncio.sleep(self._every)
