"""Cancelling an order: it races the payment for the order's row, and one of them wins."""

from uuid import UUID

from app.catalog import repository as catalog
from app.events import OrderCancelled
from app.infra.database import Database
from app.infra.event_bus import Events
from app.orders import queries, repository
from app.orders.errors import NotCancellableError, OrderNotFoundError
from app.orders.schemas import OrderDetail
from app.telemetry.metrics import OrderMetrics


class CancelOrder:
    """Cancels buyers' own orders. docs/decisions/0015-cancelling.md"""

    def __init__(self, database: Database, events: Events, metrics: OrderMetrics) -> None:
        self._database = database
        self._events = events
        self._metrics = metrics

    async def __call__(self, buyer_id: UUID, order_id: UUID) -> OrderDetail:
        """The order, cancelled: by this or before. Its pieces are back in the stock; its money is on its way.

        Raises OrderNotFoundError, and NotCancellableError for an order that failed.
        """
        async with self._database.write() as session:
            held = await repository.hold(session, order_id, buyer_id)
            if held is None:
                raise OrderNotFoundError
            status, charge_started = held
            if status == "failed":
                raise NotCancellableError("The order failed; there is nothing to cancel.")
            if status != "cancelled":
                # From the first call of the provider on there may be a charge, whether or not its answer came.
                await repository.cancel(session, order_id, owed=status == "paid" or charge_started)
                quantities = await repository.quantities(session, order_id)
                await catalog.give_back_stock(session, self._events, quantities)
                self._events.record(session, OrderCancelled(order_id, buyer_id))
            order = await queries.detail(session, buyer_id, order_id)
        if status != "cancelled":
            self._metrics.cancelled.labels(status).inc()
        return order
