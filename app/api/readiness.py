"""Whether this replica should get requests: its database answers, its schema fits, and it is not draining."""

import asyncio
import time
from dataclasses import dataclass
from typing import Final

from app.infra import schema
from app.infra.database import Database
from app.infra.outages import OutageError
from app.lifecycle import Lifecycle
from app.telemetry.metrics import ReadinessMetrics

FRESH_SECONDS: Final = 1.0
PATIENCE_SECONDS: Final = 2.0


@dataclass(frozen=True, slots=True)
class Verdict:
    """`outcome` is the label of the metric; `reason` is for people."""

    outcome: str
    reason: str

    @property
    def ready(self) -> bool:
        return self.outcome == "ready"


class Readiness:
    """Asks the dependencies at most once a second, however many ask it."""

    def __init__(self, lifecycle: Lifecycle, metrics: ReadinessMetrics) -> None:
        self._lifecycle = lifecycle
        self._metrics = metrics
        self._database: Database | None = None
        self._revisions: schema.Revisions | None = None
        self._lock = asyncio.Lock()
        self._verdict = Verdict("not_ready", "starting")
        self._asked_at = float("-inf")

    def watch(self, database: Database) -> None:
        self._database = database

    async def check(self) -> Verdict:
        """The verdict, at most a second old."""
        if self._lifecycle.draining:
            self._metrics.checks.labels("draining").inc()
            return Verdict("draining", "draining: this replica is about to stop")
        async with self._lock:
            if time.monotonic() - self._asked_at >= FRESH_SECONDS:
                self._verdict = await self._ask()
                self._asked_at = time.monotonic()
                self._metrics.checks.labels(self._verdict.outcome).inc()
            return self._verdict

    async def _ask(self) -> Verdict:
        if self._database is None:
            return Verdict("not_ready", "starting")
        if self._revisions is None:
            self._revisions = await asyncio.to_thread(schema.revisions)
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                found = await schema.current_revision(self._database)
                await self._database.require_writes()
        except OutageError as outage:
            return Verdict("not_ready", f"database: {outage.reason}")
        except TimeoutError:
            return Verdict("not_ready", f"database: {OutageError.reason}")
        if not self._revisions.serves(found):
            return Verdict(
                "not_ready", f"database: schema is at {found}, this version needs {self._revisions.head}; run migrate"
            )
        return Verdict("ready", "ok")
