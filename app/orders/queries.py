"""Reads orders for their buyers."""

from collections.abc import Iterable, Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import Row, RowMapping

from app.infra.database import Database, ReadSession
from app.money import to_major
from app.orders import repository
from app.orders.errors import OrderNotFoundError
from app.orders.models import OrderLine
from app.orders.schemas import LineView, OrderDetail, OrderPage, OrderQuery, OrderView


class OrderQueries:
    """Shows buyers their own orders."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def get(self, buyer_id: UUID, order_id: UUID) -> OrderDetail:
        """Returns an order. Raises OrderNotFoundError."""
        async with self._database.read() as session:
            return await detail(session, buyer_id, order_id)

    async def page(self, buyer_id: UUID, query: OrderQuery) -> OrderPage:
        async with self._database.read() as session:
            rows = await repository.page(
                session, buyer_id, status=query.status, offset=query.offset, limit=query.per_page
            )
        return OrderPage(orders=[OrderView(**_money(row)) for row in rows], page=query.page, per_page=query.per_page)


async def detail(session: ReadSession, buyer_id: UUID, order_id: UUID) -> OrderDetail:
    """Returns an order with its lines. Raises OrderNotFoundError."""
    row = await repository.get(session, order_id, buyer_id)
    if row is None:
        raise OrderNotFoundError
    return order_detail(row, await repository.lines(session, order_id))


def order_detail(
    row: RowMapping | Mapping[str, Any], lines: Iterable[OrderLine | Row[*tuple[Any, ...]]]
) -> OrderDetail:
    """Converts the columns of repository.DETAIL and lines, which are entities or rows with the same columns."""
    rates = row["exchange_rates"] or []
    return OrderDetail(**_money(row) | {"exchange_rates": rates}, lines=[_line(line) for line in lines])


def _line(line: OrderLine | Row[*tuple[Any, ...]]) -> LineView:
    cost = line.item_price_minor
    return LineView(
        item_id=line.item_id,
        quantity=line.quantity,
        unit_price=to_major(line.unit_price_minor),
        total=to_major(line.total_minor),
        item_price=to_major(cost) if cost is not None else None,
        item_currency=line.item_currency,
    )


def _money(row: RowMapping | Mapping[str, Any]) -> dict[str, Any]:
    fields = dict(row)
    return {"total": to_major(fields.pop("total_minor")), **fields}
