"""Runs jobs: claims a message, calls its handler, and records the outcome, in the API process and in workers alike."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, nullcontext, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final
from uuid import UUID

import structlog

from app.errors import DomainError, UnavailableError
from app.infra.database import Database
from app.infra.database.orm import now
from app.infra.outbox import dead_letters, job_span, pending, repository
from app.infra.outbox.bulkheads import Bulkhead, PostponedError
from app.infra.outbox.claimed_message import Handler, Message
from app.infra.outbox.repository import Claim, LeaseLostError
from app.infra.resilience.circuit_breaker import BreakerOpenError
from app.settings import Settings
from app.telemetry import errors
from app.telemetry.context import WorkContext
from app.telemetry.metrics import JobMetrics
from app.telemetry.traces.tracing import Tracing, traceparent, tracestate

GIVE_UP_AFTER: Final = timedelta(days=1)
# Consecutive calls without an answer that count as an outage, after which pauses of other messages end.
OUTAGE_CALLS: Final = 3


@dataclass(slots=True)
class Runner:
    """Handles messages by topic. Failures are retried later; after too many, the message becomes a dead letter."""

    database: Database
    handlers: Mapping[str, Handler]
    metrics: JobMetrics
    tracing: Tracing
    settings: Settings
    bulkheads: Mapping[str, Bulkhead] = field(default_factory=dict)  # by topic; any other topic may take any slot
    _unanswered: Counter[str] = field(default_factory=Counter, init=False)  # consecutive calls, by topic

    async def process(self, message_id: UUID) -> str:
        """Processes a message; safe to call twice, or in two processes.

        Returns the handler's own outcome or `done`; `again` after a time slice of a long job; `later` after a failure;
        `dead`; `not_ours` when it is done or claimed by another worker; `postponed` when its dependency's breaker is
        open or has no free slot.
        """
        if self.tracing.recording():  # the notification came from sampled work, whose trace includes the claim
            with job_span.job(self.tracing, traceparent(), tracestate()) as work:
                claim = await self._claim(message_id)
                return "not_ours" if claim is None else await self._try(claim, work)
        claim = await self._claim(message_id)
        if claim is None:
            return "not_ours"
        with job_span.job(self.tracing, claim.traceparent, claim.tracestate) as work:
            return await self._try(claim, work)

    async def _claim(self, message_id: UUID) -> Claim | None:
        async with self.database.write() as session:
            return await repository.claim(session, message_id, self.settings.claim_seconds)

    async def _try(self, claim: Claim, work: WorkContext) -> str:
        work.request_id = claim.request_id
        job_span.claimed(claim)
        bulkhead = self.bulkheads.get(claim.topic)
        try:
            async with nullcontext() if bulkhead is None else bulkhead.slot():
                outcome = await self._timed(claim)
        except PostponedError as postponed:
            outcome = await self._postpone(claim, postponed)
        job_span.ended(outcome)
        return outcome

    async def _timed(self, claim: Claim) -> str:
        if claim.attempts == 1:
            self.metrics.waited(claim.topic, (now() - claim.created_at).total_seconds())
        with self.metrics.timed(claim.topic) as ended:
            outcome = await self._work(claim)
            ended(outcome)
        return outcome

    async def _postpone(self, claim: Claim, postponed: PostponedError) -> str:
        """Releases a message without an attempt: neither its age nor a failure counts."""
        self._unanswered[claim.topic] += 1
        self.metrics.postponed(claim.topic, postponed.reason)
        try:
            async with self.database.write() as session:
                await repository.postpone(session, claim, postponed.retry_after)
        except LeaseLostError:
            return "not_ours"
        return "postponed"

    async def _work(self, claim: Claim) -> str:
        try:
            outcome = await self._handle(claim)
        except LeaseLostError:
            return "not_ours"
        except UnavailableError as error:
            self._unanswered[claim.topic] += 1
            tried = not isinstance(error, BreakerOpenError)  # else nothing was sent
            return await self._later(claim, str(error), last=tried and now() - claim.created_at > GIVE_UP_AFTER)
        except Exception as error:  # noqa: BLE001 -- one job's fault must not end the others
            structlog.get_logger().error("job_failed", topic=claim.topic, message_id=claim.message_id, exc_info=error)
            errors.capture(error, task=claim.topic)
            # The message of an unexpected error is not stored: it may contain personal data.
            reason = str(error) if isinstance(error, DomainError) else type(error).__name__
            return await self._later(claim, reason, failed=True, last=claim.failures + 1 >= self.settings.job_failures)
        await self._answered(claim.topic)
        return outcome

    async def _answered(self, topic: str) -> None:
        """Ends the pauses of a topic's other messages after an outage: by then they have grown long."""
        if self._unanswered.pop(topic, 0) >= OUTAGE_CALLS:
            with suppress(UnavailableError):
                async with self.database.write() as session:
                    await pending.call_back(session, topic)

    async def _handle(self, claim: Claim) -> str:
        if claim.failures >= self.settings.job_failures:
            return await self._later(claim, "Its workers died too often.", last=True)
        handler = self.handlers.get(claim.topic)
        if handler is None:
            raise UnavailableError("This version does not know the topic.")
        message = Message(claim)
        async with asyncio.timeout(self.settings.job_seconds), self._held(message):
            outcome = await handler(message)
        if message.outcome is None:
            async with self.database.write() as session:
                await message.done(session)
        return "again" if message.outcome == "again" else outcome or "done"

    async def _later(self, claim: Claim, reason: str, *, last: bool, failed: bool = False) -> str:
        about = {"topic": claim.topic, "message_id": claim.message_id, "attempts": claim.attempts, "reason": reason}
        async with self.database.write() as session:
            if last and not await dead_letters.bury(session, claim, reason):
                return "not_ours"
            if not last:
                with suppress(LeaseLostError):
                    await repository.release(session, claim, failed=failed)
        if last:
            structlog.get_logger().error("job_dead", **about)
            return "dead"
        structlog.get_logger().warning("job_postponed", **about)
        return "later"

    @asynccontextmanager
    async def _held(self, message: Message) -> AsyncIterator[None]:
        """Renews the claim while the handler runs, and cancels the handler when the claim is lost."""
        try:
            async with asyncio.timeout(None) as lost:
                renewing = asyncio.create_task(self._renew(message, lost), name="lease")
                try:
                    yield
                finally:
                    renewing.cancel()
                    await asyncio.gather(renewing, return_exceptions=True)
        except TimeoutError:
            if lost.expired():
                raise LeaseLostError from None
            raise

    async def _renew(self, message: Message, lost: asyncio.Timeout) -> None:
        try:
            while True:
                await asyncio.sleep(self.settings.claim_seconds / 3)
                with suppress(UnavailableError):
                    async with self.database.write() as session:
                        await repository.extend(session, message.claim, self.settings.claim_seconds)
        except LeaseLostError:
            if message.outcome is None:  # else the handler has released it
                lost.reschedule(asyncio.get_running_loop().time())
