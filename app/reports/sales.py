"""Queries of sales reports: paid orders in batches, and their lines as CSV."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple
from uuid import UUID

from sqlalchemy import ColumnElement, Row, func, select, tuple_

from app.catalog.models import Item
from app.csv_output import escape_formula, to_csv
from app.infra.database import ReadSession
from app.money import to_major
from app.orders.models import LINE_TOTAL, Order, OrderLine, OrderStatus

HEADER: Final = ("order_id", "paid_at", "seller_id", "item_id", "item", "quantity", "unit_price", "total", "currency")
_POSITION: Final = (Order.finished_at, Order.id)


class Span(NamedTuple):
    """A half-open interval of time."""

    begins: datetime
    ends: datetime


async def count(session: ReadSession, span: Span) -> int:
    return (await session.execute(select(func.count()).select_from(Order).where(*_paid_in(span)))).scalar_one()


async def orders(
    session: ReadSession, span: Span, after: tuple[datetime, UUID] | None, limit: int
) -> Sequence[Row[datetime | None, UUID]]:
    """Returns time of payment and id of the next orders; the last one is the position of the next batch.

    They are those of all sellers: so a batch costs the same for a seller who sells little.
    """
    query = select(*_POSITION).where(*_paid_in(span))
    if after is not None:
        query = query.where(tuple_(*_POSITION) > tuple_(*after))
    return (await session.execute(query.order_by(*_POSITION).limit(limit))).all()


async def lines(session: ReadSession, order_ids: Collection[UUID], seller_id: UUID | None) -> bytes:
    """Returns the lines of some orders as CSV, those of one seller if given."""
    query = (
        select(*_POSITION, Order.currency, Item.owner_id, Item.name)
        .add_columns(OrderLine.item_id, OrderLine.quantity, OrderLine.unit_price_minor, LINE_TOTAL)
        .join(OrderLine, OrderLine.order_id == Order.id)
        .join(Item, Item.id == OrderLine.item_id)
        .where(Order.id.in_(order_ids))
        .order_by(*_POSITION, OrderLine.item_id)
    )
    if seller_id is not None:
        query = query.where(Item.owner_id == seller_id)
    return to_csv(_cells(row) for row in await session.execute(query))


def _paid_in(span: Span) -> tuple[ColumnElement[bool], ...]:
    return (Order.status == OrderStatus.PAID, Order.finished_at >= span.begins, Order.finished_at < span.ends)


def _cells(line: Row[*tuple[Any, ...]]) -> Sequence[object]:
    unit_price, total = to_major(line.unit_price_minor), to_major(line.total_minor)
    sold = (line.owner_id, line.item_id, escape_formula(line.name))
    return (line.id, line.finished_at.isoformat(), *sold, line.quantity, unit_price, total, line.currency)
