"""Statements on orders. Takes a session, never commits."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, NamedTuple
from uuid import UUID

from sqlalchemy import ColumnElement, Row, RowMapping, func, literal, select, update

from app.catalog.models import Item
from app.infra.database import ReadSession, WriteSession
from app.infra.database.orm import now
from app.orders.models import LINE_TOTAL, Order, OrderLine

_VIEW = (
    Order.id,
    Order.status,
    Order.total_minor,
    Order.currency,
    Order.failure_reason,
    Order.refund,
    Order.created_at,
    Order.finished_at,
    Order.cancelled_at,
    Order.refunded_at,
)
_DETAIL = (*_VIEW, Order.exchange_rates, Order.shipping_address, Order.notes)
_LINE = (
    OrderLine.item_id,
    OrderLine.quantity,
    OrderLine.unit_price_minor,
    LINE_TOTAL,
    OrderLine.item_currency,
    OrderLine.item_price_minor,
)


async def get(session: ReadSession, order_id: UUID, buyer_id: UUID) -> RowMapping | None:
    """An order of this buyer; another's is as good as none."""
    query = select(*_DETAIL).where(Order.id == order_id, Order.buyer_id == buyer_id)
    return (await session.execute(query)).mappings().one_or_none()


async def lines(session: ReadSession, order_id: UUID) -> Sequence[Row[*tuple[Any, ...]]]:
    query = select(*_LINE).where(OrderLine.order_id == order_id).order_by(OrderLine.item_id)
    return (await session.execute(query)).all()


async def quantities(session: ReadSession, order_id: UUID) -> dict[UUID, int]:
    query = select(OrderLine.item_id, OrderLine.quantity).where(OrderLine.order_id == order_id)
    return {row.item_id: row.quantity for row in (await session.execute(query)).all()}


async def page(
    session: ReadSession, buyer_id: UUID, *, status: str | None, offset: int, limit: int
) -> Sequence[RowMapping]:
    query = select(*_VIEW).where(Order.buyer_id == buyer_id)
    if status is not None:
        query = query.where(Order.status == status)
    query = query.order_by(Order.created_at.desc(), Order.id).offset(offset).limit(limit)
    return (await session.execute(query)).mappings().all()


async def currencies(session: ReadSession, items: Collection[UUID]) -> set[str]:
    """What the items are priced in."""
    return set((await session.execute(select(Item.currency).where(Item.id.in_(items)).distinct())).scalars())


async def party(session: ReadSession, order_id: UUID, account_id: UUID) -> Literal["buyer", "seller"] | None:
    """What an account is to an order; nothing when there is no such order."""
    buyer = (await session.execute(select(Order.buyer_id).where(Order.id == order_id))).scalar_one_or_none()
    if buyer == account_id:
        return "buyer"
    sold = select(OrderLine.item_id).join(Item, Item.id == OrderLine.item_id)
    sold = sold.where(OrderLine.order_id == order_id, Item.owner_id == account_id).limit(1)
    return "seller" if (await session.execute(sold)).first() is not None else None


class State(NamedTuple):
    """How far an order is."""

    id: UUID
    status: Any
    refund: Any
    failure_reason: str | None


async def state(session: ReadSession, order_id: UUID) -> State:
    query = select(Order.id, Order.status, Order.refund, Order.failure_reason).where(Order.id == order_id)
    return State(*(await session.execute(query)).one())


@dataclass(frozen=True, slots=True)
class Payable:
    """What a payment and its refund need to know of an order."""

    id: UUID
    buyer_id: UUID
    total_minor: int
    currency: str
    created_at: datetime
    charge_started: bool


_PAYABLE = (
    Order.id,
    Order.buyer_id,
    Order.total_minor,
    Order.currency,
    Order.created_at,
    Order.charge_started_at.is_not(None),
)


async def start_charge(session: WriteSession, order_id: UUID) -> Payable | None:
    """Says that the provider is about to be asked; None when the order is not pending any more.

    From this commit on there may be a charge. Who cancels before it knows that there is none.
    """
    started = func.coalesce(Order.charge_started_at, literal(now(), Order.charge_started_at.type))
    values = {"charge_started_at": started}
    row = (await session.execute(_pending(order_id).values(values).returning(*_PAYABLE))).one_or_none()
    return Payable(*row) if row is not None else None


async def payable(session: ReadSession, order_id: UUID) -> Payable:
    return Payable(*(await session.execute(select(*_PAYABLE).where(Order.id == order_id))).one())


async def finish(session: WriteSession, order_id: UUID, status: str, reason: str | None) -> bool:
    """Makes a pending order final. False when it was final already, or cancelled meanwhile."""
    values = {"status": status, "failure_reason": reason, "finished_at": now()}
    return (await session.execute(_pending(order_id).values(values).returning(Order.id))).first() is not None


async def hold(session: WriteSession, order_id: UUID, buyer_id: UUID) -> tuple[str, bool] | None:
    """Status, and whether a charge was begun; neither changes before this transaction ends."""
    query = select(Order.status, Order.charge_started_at.is_not(None))
    query = query.where(Order.id == order_id, Order.buyer_id == buyer_id).with_for_update()
    row = (await session.execute(query)).one_or_none()
    return (row[0], row[1]) if row is not None else None


async def cancel(session: WriteSession, order_id: UUID, *, owed: bool) -> None:
    """Of an order that is held; `owed` when there is, or may be, money to go back."""
    moment, refund = now(), "pending" if owed else "none"
    finished = func.coalesce(Order.finished_at, literal(moment, Order.finished_at.type))
    await _change(session, order_id, status="cancelled", cancelled_at=moment, finished_at=finished, refund=refund)


async def settle(session: WriteSession, order_id: UUID, *, refunded: bool) -> bool:
    """Says of a cancelled order what became of its money; False when that was known already."""
    values = {"refund": "refunded", "refunded_at": now()} if refunded else {"refund": "none"}
    return await _change(session, order_id, Order.refund != values["refund"], Order.status == "cancelled", **values)


async def forget_buyer(session: WriteSession, buyer_id: UUID) -> None:
    """Takes the person out of the orders."""
    statement = update(Order).where(Order.buyer_id == buyer_id).values(shipping_address=None, notes=None)
    await session.execute(statement.execution_options(synchronize_session=False))


async def _change(session: WriteSession, order_id: UUID, *conditions: ColumnElement[bool], **values: Any) -> bool:
    statement = update(Order).where(Order.id == order_id, *conditions).values(values).returning(Order.id)
    return (await session.execute(statement.execution_options(synchronize_session=False))).first() is not None


def _pending(order_id: UUID) -> Any:
    statement = update(Order).where(Order.id == order_id, Order.status == "pending")
    return statement.execution_options(synchronize_session=False)
