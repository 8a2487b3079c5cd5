"""Queries on orders. Takes a session, never commits."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import RowMapping, select, update

from app.infra.database import ReadSession, WriteSession
from app.infra.orm import now
from app.orders.models import Order, OrderLine

_COLUMNS = (
    Order.id,
    Order.status,
    Order.total_minor,
    Order.currency,
    Order.failure_reason,
    Order.created_at,
    Order.finished_at,
)


async def get(session: ReadSession, order_id: UUID, buyer_id: UUID) -> RowMapping | None:
    """An order of this buyer; another's is as good as none."""
    query = select(*_COLUMNS).where(Order.id == order_id, Order.buyer_id == buyer_id)
    return (await session.execute(query)).mappings().one_or_none()


async def lines(session: ReadSession, order_id: UUID) -> Sequence[RowMapping]:
    query = (
        select(OrderLine.item_id, OrderLine.quantity, OrderLine.unit_price_minor)
        .where(OrderLine.order_id == order_id)
        .order_by(OrderLine.item_id)
    )
    return (await session.execute(query)).mappings().all()


async def page(session: ReadSession, buyer_id: UUID, *, offset: int, limit: int) -> Sequence[RowMapping]:
    query = (
        select(*_COLUMNS)
        .where(Order.buyer_id == buyer_id)
        .order_by(Order.created_at.desc(), Order.id)
        .offset(offset)
        .limit(limit)
    )
    return (await session.execute(query)).mappings().all()


async def finish(session: WriteSession, order_id: UUID, status: str, reason: str | None) -> bool:
    """Makes a pending order final. False when it was final already."""
    statement = (
        update(Order)
        .where(Order.id == order_id, Order.status == "pending")
        .values(status=status, failure_reason=reason, finished_at=now())
        .returning(Order.id)
        .execution_options(synchronize_session=False)
    )
    return (await session.execute(statement)).scalar_one_or_none() is not None
