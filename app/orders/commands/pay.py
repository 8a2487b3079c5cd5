"""Paying an order: charge, then record. Killed at any point, the next one to try finishes it, and charges once."""

from typing import Final, Literal
from uuid import UUID

import structlog

from app.catalog import repository as catalog
from app.events import OrderFailed, OrderPaid
from app.infra.database import Database
from app.infra.database.orm import now
from app.infra.event_bus import Events
from app.infra.outbox.claimed_message import Message
from app.orders import repository
from app.orders.payment_provider import Charge, Provider
from app.telemetry.metrics import OrderMetrics

PAY_ORDER: Final = "pay_order"
DECLINED: Final = "card_declined"
Outcome = Literal["paid", "failed", "cancelled"]


class PayOrder:
    """Makes the payment that a message asks for."""

    def __init__(self, database: Database, provider: Provider, events: Events, metrics: OrderMetrics) -> None:
        self._database = database
        self._provider = provider
        self._events = events
        self._metrics = metrics

    async def __call__(self, message: Message) -> Outcome:
        """Raises UnavailableError when the provider gives no clear answer.

        An order that was cancelled is left to its refund, whose message was committed with the cancellation and finds
        out whether there is a charge: this one may end.
        """
        order_id = UUID(message.payload["order_id"])
        async with self._database.write() as session:
            order = await repository.start_charge(session, order_id)
            if order is None:
                await message.done(session)
                return "cancelled"
        charge = await self._provider.charge(order.id, order.total_minor, order.currency)
        return await self._record(message, order, charge)

    async def _record(self, message: Message, order: repository.Payable, charge: Charge) -> Outcome:
        status: Literal["paid", "failed"] = "paid" if charge.status == "succeeded" else "failed"
        reason = None if status == "paid" else DECLINED
        async with self._database.write() as session:
            became_final = await repository.finish(session, order.id, status, reason)
            if became_final and status == "failed":
                quantities = await repository.quantities(session, order.id)
                await catalog.give_back_stock(session, self._events, quantities)
            if became_final:
                paid, failed = OrderPaid(order.id, order.buyer_id), OrderFailed(order.id, order.buyer_id, DECLINED)
                self._events.record(session, paid if status == "paid" else failed)
            await message.done(session)
        if not became_final:
            return "cancelled"
        seconds = (now() - order.created_at).total_seconds()
        self._metrics.finished.labels(status).inc()
        self._metrics.processing.observe(seconds)
        structlog.get_logger().info(
            "order_finished", order_id=order.id, status=status, attempts=message.claim.attempts, seconds=seconds
        )
        return status
