"""Pays an order: charges, then records. A retry after a crash at any point finishes the payment and charges once."""

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
from app.orders.models import OrderStatus
from app.orders.payment_provider import Charge, Provider
from app.telemetry.metrics import OrderMetrics

PAY_ORDER: Final = "pay_order"
DECLINED: Final = "card_declined"
Outcome = Literal[OrderStatus.PAID, OrderStatus.FAILED, OrderStatus.CANCELLED]


class PayOrder:
    """Handles messages that request a payment."""

    def __init__(self, database: Database, provider: Provider, events: Events, metrics: OrderMetrics) -> None:
        self._database = database
        self._provider = provider
        self._events = events
        self._metrics = metrics

    async def __call__(self, message: Message) -> Outcome:
        """Returns the order's final status. Raises UnavailableError when the provider's answer is unclear.

        A cancelled order needs no charge: the refund message, committed with the cancellation, finds out whether there
        was one.
        """
        order_id = UUID(message.payload["order_id"])
        async with self._database.write() as session:
            order = await repository.start_charge(session, order_id)
            if order is None:
                await message.done(session)
                return OrderStatus.CANCELLED
        charge = await self._provider.charge(order.id, order.total_minor, order.currency)
        return await self._record(message, order, charge)

    async def _record(self, message: Message, order: repository.Payable, charge: Charge) -> Outcome:
        paid = charge.status == "succeeded"
        status: Literal[OrderStatus.PAID, OrderStatus.FAILED] = OrderStatus.PAID if paid else OrderStatus.FAILED
        async with self._database.write() as session:
            became_final = await repository.mark_final(session, order.id, status, None if paid else DECLINED)
            if became_final and paid:
                self._events.record(session, OrderPaid(order.id, order.buyer_id))
            elif became_final:
                quantities = await repository.quantities(session, order.id)
                await catalog.give_back_stock(session, self._events, quantities)
                self._events.record(session, OrderFailed(order.id, order.buyer_id, DECLINED))
            await message.done(session)
        if not became_final:
            return OrderStatus.CANCELLED
        seconds = (now() - order.created_at).total_seconds()
        self._metrics.finished.labels(status).inc()
        self._metrics.processing.observe(seconds)
        structlog.get_logger().info(
            "order_finished", order_id=order.id, status=status, attempts=message.claim.attempts, seconds=seconds
        )
        return status
