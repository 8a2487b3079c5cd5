"""What a buyer can do with orders."""

from typing import Final
from uuid import UUID, uuid4

from sqlalchemy import RowMapping

from app.accounts.service import of_existing_account
from app.catalog import repository as catalog
from app.errors import ConflictError, InvalidError, NotFoundError
from app.infra.database import Database, WriteSession
from app.infra.jobs import Jobs
from app.money import to_major
from app.orders import outbox, repository
from app.orders.models import Order, OrderLine
from app.orders.schemas import LineView, NewOrder, OrderDetail, OrderPage, OrderView
from app.paging import PageQuery
from app.telemetry import context
from app.telemetry.metrics import OrderMetrics
from app.telemetry.tracing import Tracing

LARGEST_TOTAL: Final = 2**31 - 1


class OrderNotFoundError(NotFoundError):
    code = "order_not_found"


class OutOfStockError(ConflictError):
    code = "out_of_stock"


class MixedCurrenciesError(InvalidError):
    code = "mixed_currencies"


class TotalTooLargeError(InvalidError):
    code = "total_too_large"


class Orders:
    """Places and shows orders. An order and its outbox row commit together; the hint to the workers follows."""

    def __init__(self, database: Database, jobs: Jobs, metrics: OrderMetrics, tracing: Tracing) -> None:
        self._database = database
        self._jobs = jobs
        self._metrics = metrics
        self._tracing = tracing

    async def place(self, buyer_id: UUID, new: NewOrder) -> OrderDetail:
        """Raises OutOfStockError, MixedCurrenciesError and TotalTooLargeError; then nothing is taken from the stock."""
        with of_existing_account():
            order, lines, message_id = await self._write(buyer_id, new)
        self._metrics.placed.inc()
        self._jobs.enqueue(message_id)
        views = [
            LineView(item_id=line.item_id, quantity=line.quantity, unit_price=to_major(line.unit_price_minor))
            for line in lines
        ]
        return OrderDetail(
            id=order.id,
            status="pending",
            total=to_major(order.total_minor),
            currency=order.currency,
            failure_reason=None,
            created_at=order.created_at,
            finished_at=None,
            lines=views,
        )

    async def get(self, buyer_id: UUID, order_id: UUID) -> OrderDetail:
        """Raises OrderNotFoundError, for another's order as well: whether it exists is nobody else's business."""
        async with self._database.read() as session:
            row = await repository.get(session, order_id, buyer_id)
            if row is None:
                raise OrderNotFoundError("There is no such order of yours.")
            lines = await repository.lines(session, order_id)
        views = [
            LineView(item_id=line.item_id, quantity=line.quantity, unit_price=to_major(line.unit_price_minor))
            for line in lines
        ]
        return OrderDetail(**_view(row).model_dump(), lines=views)

    async def page(self, buyer_id: UUID, query: PageQuery) -> OrderPage:
        async with self._database.read() as session:
            rows = await repository.page(session, buyer_id, offset=query.offset, limit=query.per_page)
        return OrderPage(orders=[_view(row) for row in rows], page=query.page, per_page=query.per_page)

    async def _write(self, buyer_id: UUID, new: NewOrder) -> tuple[Order, list[OrderLine], UUID]:
        work = context.current()
        async with self._database.write() as session:
            order = Order(id=uuid4(), buyer_id=buyer_id)
            taken = await self._take(session, order.id, new)
            order.currency = _one_currency(taken)
            order.total_minor = _total(taken)
            message = outbox.message(order.id, self._tracing.traceparent(), work.request_id if work else "")
            message.id = uuid4()
            session.add(order)
            await session.flush()
            lines = [line for line, _ in taken]
            session.add_all([*lines, message])
        return order, lines, message.id

    async def _take(self, session: WriteSession, order_id: UUID, new: NewOrder) -> list[tuple[OrderLine, str]]:
        taken = []
        for line in sorted(new.lines, key=lambda line: line.item_id):  # one order for all: no deadlock
            row = await catalog.take_stock(session, line.item_id, line.quantity)
            if row is None:
                raise OutOfStockError(f"There are not {line.quantity} pieces of item {line.item_id}, or no such item.")
            entry = OrderLine(
                order_id=order_id, item_id=line.item_id, quantity=line.quantity, unit_price_minor=row["price_minor"]
            )
            taken.append((entry, str(row["currency"])))
        return taken


def _one_currency(lines: list[tuple[OrderLine, str]]) -> str:
    currencies = {currency for _, currency in lines}
    if len(currencies) > 1:
        raise MixedCurrenciesError(f"All items of an order are in one currency; these are in {sorted(currencies)}.")
    return currencies.pop()


def _total(lines: list[tuple[OrderLine, str]]) -> int:
    total = sum(line.quantity * line.unit_price_minor for line, _ in lines)
    if total > LARGEST_TOTAL:
        raise TotalTooLargeError(f"An order may cost {to_major(LARGEST_TOTAL)} at most; split it.")
    return total


def _view(row: RowMapping) -> OrderView:
    fields = dict(row)
    return OrderView(total=to_major(fields.pop("total_minor")), **fields)
