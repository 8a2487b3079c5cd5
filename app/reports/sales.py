"""Queries of sales reports: paid orders in batches, and their lines as CSV."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ColumnElement, Row, func, select, tuple_

from app.catalog.models import Item
from app.csv_files import escape_formula, to_csv
from app.infra.database import ReadSession
from app.money import to_major
from app.orders.models import LINE_TOTAL, Order, OrderLine, OrderStatus

HEADER: Final = ("order_id", "paid_at", "seller_id", "item_id", "item", "quantity", "unit_price", "total", "currency")


@dataclass(frozen=True, slots=True)
class Span:
    """A half-open interval of time."""

    begins: datetime
    ends: datetime


@dataclass(frozen=True, slots=True)
class PaidOrder:
    """A paid order; the last one of a batch is the position of the next batch."""

    id: UUID
    paid_at: datetime
    currency: str


async def count(session: ReadSession, span: Span) -> int:
    return (await session.execute(select(func.count()).select_from(Order).where(*_paid_in(span)))).scalar_one()


async def orders(
    session: ReadSession, span: Span, after: tuple[datetime, UUID] | None, limit: int
) -> Sequence[PaidOrder]:
    """Returns the next orders, of all sellers: so a batch costs the same for a seller who sells little."""
    query = select(Order.id, Order.finished_at, Order.currency).where(*_paid_in(span))
    if after is not None:
        query = query.where(tuple_(Order.finished_at, Order.id) > tuple_(*after))
    rows = await session.execute(query.order_by(Order.finished_at, Order.id).limit(limit))
    return [PaidOrder(row.id, row.finished_at, row.currency) for row in rows]


async def lines(session: ReadSession, batch: Sequence[PaidOrder], seller_id: UUID | None) -> bytes:
    """Returns the lines of some orders as CSV, those of one seller if given."""
    query = (
        select(
            OrderLine.order_id,
            OrderLine.item_id,
            OrderLine.quantity,
            OrderLine.unit_price_minor,
            LINE_TOTAL,
            Item.name,
            Item.owner_id,
        )
        .join(Item, Item.id == OrderLine.item_id)
        .where(OrderLine.order_id.in_([order.id for order in batch]))
        .order_by(OrderLine.item_id)
    )
    if seller_id is not None:
        query = query.where(Item.owner_id == seller_id)
    found: dict[UUID, list[Row[*tuple[Any, ...]]]] = {order.id: [] for order in batch}
    for row in await session.execute(query):
        found[row.order_id].append(row)
    return to_csv(_cells(order, row) for order in batch for row in found[order.id])


def _paid_in(span: Span) -> tuple[ColumnElement[bool], ...]:
    return (Order.status == OrderStatus.PAID, Order.finished_at >= span.begins, Order.finished_at < span.ends)


def _cells(order: PaidOrder, line: Row[*tuple[Any, ...]]) -> Sequence[str]:
    return (
        str(order.id),
        order.paid_at.isoformat(),
        str(line.owner_id),
        str(line.item_id),
        escape_formula(line.name),
        str(line.quantity),
        str(to_major(line.unit_price_minor)),
        str(to_major(line.total_minor)),
        order.currency,
    )
