"""State of one API process, and its readiness: the database answers with a current schema, and it does not drain."""

import asyncio
import time
from dataclasses import dataclass, field
from typing import Final

from app.infra.database import Database, schema
from app.infra.database.outages import OutageError
from app.telemetry.metrics import ReadinessMetrics

FRESH_SECONDS: Final = 1.0
TIMEOUT_SECONDS: Final = 1.5  # below the timeout of the chart's probe


@dataclass(slots=True)
class ServingState:
    """State of one process. While it drains, each response closes its connection."""

    started: bool = False
    draining: bool = False
    born: float = field(default_factory=time.monotonic)

    def drain(self) -> None:
        self.draining = True


@dataclass(frozen=True, slots=True)
class Verdict:
    """Result of a check. `outcome` is the label of the metric, `reason` is for people.

    `outage_began` is the monotonic time at which a ready replica lost its database.
    """

    outcome: str
    reason: str
    outage_began: float | None = None

    @property
    def ready(self) -> bool:
        return self.outcome == "ready"

    def serves(self, outage_seconds: float) -> bool:
        """Tests whether the replica stays in service: if ready, or in the first `outage_seconds` of an outage.

        docs/decisions/0022-readiness-in-an-outage.md
        """
        began = self.outage_began
        return self.ready or (began is not None and time.monotonic() - began < outage_seconds)


class Readiness:
    """Checks the database and the schema at most once a second."""

    def __init__(self, serving_state: ServingState, metrics: ReadinessMetrics) -> None:
        self._serving_state = serving_state
        self._metrics = metrics
        self._database: Database | None = None
        self._revisions: schema.Revisions | None = None
        self._lock = asyncio.Lock()
        self._verdict = Verdict("not_ready", "starting")
        self._asked_at = float("-inf")

    def watch(self, database: Database) -> None:
        self._database = database

    async def check(self) -> Verdict:
        """Returns the verdict, which is at most a second old."""
        if self._serving_state.draining:
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
            async with asyncio.timeout(TIMEOUT_SECONDS):
                found = await schema.current_revision(self._database)
                await self._database.require_writes()
        except OutageError as outage:
            return self._outage(type(outage))
        except TimeoutError:
            return self._outage(OutageError)
        if not self._revisions.serves(found):
            return Verdict(
                "not_ready", f"database: schema is at {found}, this version needs {self._revisions.head}; run migrate"
            )
        return Verdict("ready", "ok")

    def _outage(self, kind: type[OutageError]) -> Verdict:
        began = self._verdict.outage_began
        if kind.lasting:
            began = None
        elif self._verdict.ready:
            began = time.monotonic()
        return Verdict("not_ready", f"database: {kind.reason}", began)
