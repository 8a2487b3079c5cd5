"""Cancels an order: the cancellation and the payment compete for a lock on the order's row."""

from uuid import UUID

from app.catalog import repository as catalog
from app.events import OrderCancelled
from app.infra.database import Database
from app.infra.event_bus import Events
from app.orders import queries, repository
from app.orders.errors import NotCancellableError, OrderNotFoundError
from app.orders.models import OrderStatus
from app.orders.schemas import OrderDetail
from app.telemetry.metrics import OrderMetrics


class CancelOrder:
    """Cancels orders for their buyers; docs/decisions/0015-cancelling.md gives the reasons."""

    def __init__(self, database: Database, events: Events, metrics: OrderMetrics) -> None:
        self._database = database
        self._events = events
        self._metrics = metrics

    async def __call__(self, buyer_id: UUID, order_id: UUID) -> OrderDetail:
        """Returns the cancelled order; a repeat changes nothing. Restores the stock and starts the refund.

        Raises OrderNotFoundError, and NotCancellableError for an order that failed.
        """
        async with self._database.write() as session:
            locked = await repository.lock_for_update(session, order_id, buyer_id)
            if locked is None:
                raise OrderNotFoundError
            status, charge_started = locked
            cancels = status.may_become(OrderStatus.CANCELLED)
            if cancels:
                # After the first call of the provider there may be a charge, even if no answer came.
                await repository.cancel(session, order_id, owed=status == OrderStatus.PAID or charge_started)
                quantities = await repository.quantities(session, order_id)
                await catalog.give_back_stock(session, self._events, quantities)
                self._events.record(session, OrderCancelled(order_id, buyer_id))
            elif status != OrderStatus.CANCELLED:
                raise NotCancellableError("The order failed; there is nothing to cancel.")
            order = await queries.detail(session, buyer_id, order_id)
        if cancels:
            self._metrics.cancelled.labels(status).inc()
        return order
