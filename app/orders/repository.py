"""Statements on orders; every function runs in the session it is given and never commits."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, Literal, NamedTuple
from uuid import UUID

from sqlalchemy import ColumnElement, Row, RowMapping, func, literal, select, update

from app.catalog.models import Item
from app.infra.database import ReadSession, WriteSession
from app.infra.database.orm import now
from app.orders import idempotency
from app.orders.models import LINE_TOTAL, Order, OrderLine, OrderStatus, RefundStatus
from app.orders.schemas import OrderView

ParticipantRole = Literal["buyer", "seller"]
_VIEW = (Order.total_minor, *(getattr(Order, name) for name in OrderView.model_fields if name != "total"))
DETAIL = (*_VIEW, Order.exchange_rates, Order.shipping_address, Order.notes)
_LINE = (
    OrderLine.item_id,
    OrderLine.quantity,
    OrderLine.unit_price_minor,
    LINE_TOTAL,
    OrderLine.item_currency,
    OrderLine.item_price_minor,
)


async def get(session: ReadSession, order_id: UUID, buyer_id: UUID) -> RowMapping | None:
    """Returns the order if it belongs to this buyer, else None."""
    query = select(*DETAIL).where(Order.id == order_id, Order.buyer_id == buyer_id)
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
    """Returns the currencies in which the items are priced."""
    return set((await session.execute(select(Item.currency).where(Item.id.in_(items)).distinct())).scalars())


async def participant_role(session: ReadSession, order_id: UUID, account_id: UUID) -> ParticipantRole | None:
    """Returns the part that an account has in an order; None when it has none, or there is no such order."""
    buyer = (await session.execute(select(Order.buyer_id).where(Order.id == order_id))).scalar_one_or_none()
    if buyer == account_id:
        return "buyer"
    sold = select(OrderLine.item_id).join(Item, Item.id == OrderLine.item_id)
    sold = sold.where(OrderLine.order_id == order_id, Item.owner_id == account_id).limit(1)
    return "seller" if (await session.execute(sold)).first() is not None else None


class State(NamedTuple):
    """Status of an order and of its refund."""

    id: UUID
    status: OrderStatus
    refund: RefundStatus
    failure_reason: str | None


async def state(session: ReadSession, order_id: UUID) -> State:
    query = select(Order.id, Order.status, Order.refund, Order.failure_reason).where(Order.id == order_id)
    return State(*(await session.execute(query)).one())


class Payable(NamedTuple):
    """Columns of an order that a payment and its refund need."""

    id: UUID
    buyer_id: UUID
    total_minor: int
    currency: str
    created_at: datetime
    charge_started_at: datetime | None


_PAYABLE = tuple(getattr(Order, name) for name in Payable._fields)


async def start_charge(session: WriteSession, order_id: UUID) -> Payable | None:
    """Marks the charge as started; returns None when the order is not pending any more.

    Commit before calling the provider: after that commit a charge may exist, and a cancellation before it knows that
    none does.
    """
    started = func.coalesce(Order.charge_started_at, literal(now(), Order.charge_started_at.type))
    statement = update(Order).where(Order.id == order_id, Order.status == OrderStatus.PENDING)
    statement = statement.values(charge_started_at=started)
    row = (await session.execute(statement.returning(*_PAYABLE))).one_or_none()
    return Payable(*row) if row is not None else None


async def payable(session: ReadSession, order_id: UUID) -> Payable:
    return Payable(*(await session.execute(select(*_PAYABLE).where(Order.id == order_id))).one())


async def mark_final(
    session: WriteSession, order_id: UUID, status: Literal[OrderStatus.PAID, OrderStatus.FAILED], reason: str | None
) -> bool:
    """Makes a pending order paid or failed. Returns False when it was not pending any more."""
    values = {"status": status, "failure_reason": reason, "finished_at": now()}
    return await _change(session, order_id, Order.status == OrderStatus.PENDING, **values)


async def lock_for_update(session: WriteSession, order_id: UUID, buyer_id: UUID) -> tuple[OrderStatus, bool] | None:
    """Locks a buyer's order until the transaction ends. Returns its status, and whether a charge was started."""
    query = select(Order.status, Order.charge_started_at.is_not(None))
    query = query.where(Order.id == order_id, Order.buyer_id == buyer_id).with_for_update()
    row = (await session.execute(query)).one_or_none()
    return (row[0], row[1]) if row is not None else None


async def cancel(session: WriteSession, order_id: UUID, *, owed: bool) -> None:
    """Cancels an order that is locked; `owed` when there is, or may be, a charge to refund."""
    moment, refund = now(), RefundStatus.PENDING if owed else RefundStatus.NONE
    finished = func.coalesce(Order.finished_at, literal(moment, Order.finished_at.type))
    await _change(
        session, order_id, status=OrderStatus.CANCELLED, cancelled_at=moment, finished_at=finished, refund=refund
    )


async def record_refund(session: WriteSession, order_id: UUID, *, refunded: bool) -> bool:
    """Records whether a cancelled order's money was refunded or never charged; False when that was recorded before."""
    refund = RefundStatus.REFUNDED if refunded else RefundStatus.NONE
    values = {"refund": refund, "refunded_at": now()} if refunded else {"refund": refund}
    return await _change(session, order_id, Order.refund != refund, Order.status == OrderStatus.CANCELLED, **values)


async def anonymise_buyer(session: WriteSession, buyer_id: UUID) -> None:
    """Erases a buyer's addresses and notes, in the orders and in the responses that are kept for repeats."""
    await session.execute(update(Order).where(Order.buyer_id == buyer_id).values(shipping_address=None, notes=None))
    await idempotency.delete_all(session, buyer_id)


async def _change(session: WriteSession, order_id: UUID, *conditions: ColumnElement[bool], **values: Any) -> bool:
    statement = update(Order).where(Order.id == order_id, *conditions).values(values).returning(Order.id)
    return (await session.execute(statement)).first() is not None
