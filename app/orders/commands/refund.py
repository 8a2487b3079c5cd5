"""Refunds a cancelled order: once, and only when it is certain what was charged."""

from typing import Final, Literal
from uuid import UUID

import structlog

from app.events import OrderRefunded
from app.infra.database import Database
from app.infra.event_bus import Events
from app.infra.outbox.claimed_message import Message
from app.orders import repository
from app.orders.payment_provider import Charge, Provider
from app.telemetry.metrics import OrderMetrics

REFUND_ORDER: Final = "refund_order"


class RefundOrder:
    """Handles messages that request a refund: finds the charge of a cancelled order, and refunds it."""

    def __init__(self, database: Database, provider: Provider, events: Events, metrics: OrderMetrics) -> None:
        self._database = database
        self._provider = provider
        self._events = events
        self._metrics = metrics

    async def __call__(self, message: Message) -> Literal["refunded", "not_charged"]:
        """Refunds the order. Raises UnavailableError when the provider's answer is unclear."""
        async with self._database.read() as session:
            order = await repository.payable(session, UUID(message.payload["order_id"]))
        charge = await self._charge_of(order)
        refunded = charge is not None and charge.status == "succeeded"
        if refunded:
            await self._provider.refund(order.id, order.total_minor, order.currency)
        async with self._database.write() as session:
            recorded = await repository.record_refund(session, order.id, refunded=refunded)
            if recorded and refunded:
                self._events.record(session, OrderRefunded(order.id, order.buyer_id))
            await message.done(session)
        if recorded and refunded:
            self._metrics.refunded.inc()
            structlog.get_logger().info("order_refunded", order_id=order.id, attempts=message.claim.attempts)
        return "refunded" if refunded else "not_charged"

    async def _charge_of(self, order: repository.Payable) -> Charge | None:
        """Returns the charge; None when it is certain that there is none and that none can come.

        A charge that was requested and is not found may still be on its way, because its worker died or hangs. Charging
        again with the same idempotency key settles it: the first of the two requests decides for both.
        """
        charge = await self._provider.find(order.id)
        if charge is None and order.charge_started_at is not None:
            charge = await self._provider.charge(order.id, order.total_minor, order.currency)
        return charge
