"""Giving back the money of a cancelled order: once, and only when it is certain what was charged."""

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
    """Finds out what a cancelled order was charged, and gives it back."""

    def __init__(self, database: Database, provider: Provider, events: Events, metrics: OrderMetrics) -> None:
        self._database = database
        self._provider = provider
        self._events = events
        self._metrics = metrics

    async def __call__(self, message: Message) -> Literal["refunded", "not_charged"]:
        """Raises UnavailableError when the provider gives no clear answer."""
        async with self._database.read() as session:
            order = await repository.payable(session, UUID(message.payload["order_id"]))
        charge = await self._charge_of(order)
        refunded = charge is not None and charge.status == "succeeded"
        if refunded:
            await self._provider.refund(order.id, order.total_minor, order.currency)
        async with self._database.write() as session:
            settled = await repository.settle(session, order.id, refunded=refunded)
            if settled and refunded:
                self._events.record(session, OrderRefunded(order.id, order.buyer_id))
            await message.done(session)
        if settled and refunded:
            self._metrics.refunded.inc()
            structlog.get_logger().info("order_refunded", order_id=order.id, attempts=message.claim.attempts)
        return "refunded" if refunded else "not_charged"

    async def _charge_of(self, order: repository.Payable) -> Charge | None:
        """The charge, or the certainty that there is none and that none can come.

        A charge that was asked for and is not there may still be on its way: its worker died, or hangs. To ask for it
        again, with the same key, is the one way to know: whichever of the two comes first decides for both.
        """
        charge = await self._provider.find(order.id)
        if charge is None and order.charge_started:
            charge = await self._provider.charge(order.id, order.total_minor, order.currency)
        return charge
