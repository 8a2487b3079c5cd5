"""Paying an order: claim, charge, record. Killed at any point, the next one to try finishes it, and charges once."""

from typing import Literal
from uuid import UUID

import structlog
from opentelemetry.trace import format_span_id, format_trace_id

from app.catalog import repository as catalog
from app.errors import UnavailableError
from app.infra.database import Database
from app.infra.orm import now
from app.orders import outbox, repository
from app.orders.outbox import Claim
from app.orders.provider import Charge, Provider
from app.telemetry import context
from app.telemetry.context import WorkContext
from app.telemetry.metrics import OrderMetrics
from app.telemetry.tracing import Tracing

Outcome = Literal["paid", "failed", "later", "not_ours"]
DECLINED = "card_declined"


class Payments:
    """Makes the payment that an outbox message asks for; the same code in the API process and in a worker."""

    def __init__(
        self, database: Database, provider: Provider, metrics: OrderMetrics, tracing: Tracing, claim_seconds: float
    ) -> None:
        self._database = database
        self._provider = provider
        self._metrics = metrics
        self._tracing = tracing
        self._claim_seconds = claim_seconds

    async def process(self, message_id: UUID) -> Outcome:
        """Does what is left to do; safe to call twice, or in two processes, for one message."""
        async with self._database.write() as session:
            claim = await outbox.claim(session, message_id, self._claim_seconds)
        if claim is None:
            return "not_ours"
        with self._tracing.consuming("process order", claim.traceparent) as span:
            work = WorkContext(claim.request_id, format_trace_id(span.trace_id), format_span_id(span.span_id))
            token = context.enter(work)
            try:
                return await self._pay(claim)
            finally:
                context.leave(token)

    async def _pay(self, claim: Claim) -> Outcome:
        log = structlog.get_logger()
        try:
            charge = await self._provider.charge(claim.order_id, claim.amount_minor, claim.currency)
        except UnavailableError as error:
            async with self._database.write() as session:
                await outbox.release(session, claim)
            log.warning("payment_postponed", order_id=claim.order_id, attempts=claim.attempts, reason=str(error))
            return "later"
        return await self._record(claim, charge)

    async def _record(self, claim: Claim, charge: Charge) -> Outcome:
        status: Literal["paid", "failed"] = "paid" if charge.status == "succeeded" else "failed"
        reason = None if status == "paid" else DECLINED
        async with self._database.write() as session:
            became_final = await repository.finish(session, claim.order_id, status, reason)
            if became_final and status == "failed":
                lines = await repository.lines(session, claim.order_id)
                await catalog.give_back_stock(session, {line["item_id"]: line["quantity"] for line in lines})
            await outbox.done(session, claim.message_id)
        if became_final:
            seconds = (now() - claim.placed_at).total_seconds()
            self._metrics.finished.labels(status).inc()
            self._metrics.processing.observe(seconds)
            structlog.get_logger().info(
                "order_finished", order_id=claim.order_id, status=status, attempts=claim.attempts, seconds=seconds
            )
        return status
