"""The outbox: work committed with its order, claimed by one worker at a time, offered again when it waits too long."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import Update, func, select, update
from sqlalchemy.orm import aliased

from app.infra.database import ReadSession, WriteSession
from app.infra.orm import now
from app.orders.models import Order, OutboxMessage

FIRST_WAIT: Final = timedelta(seconds=5)
BACKOFF_SECONDS: Final = (1, 2, 5, 10, 30)


@dataclass(frozen=True, slots=True)
class Claim:
    """A payment that this worker, and no other, may make until the claim ends."""

    message_id: UUID
    order_id: UUID
    amount_minor: int
    currency: str
    placed_at: datetime
    attempts: int
    traceparent: str
    request_id: str


def message(order_id: UUID, traceparent: str, request_id: str) -> OutboxMessage:
    """The row that is committed with an order. The reconciler leaves it alone while the first hint is on its way."""
    return OutboxMessage(
        order_id=order_id, traceparent=traceparent, request_id=request_id, available_at=now() + FIRST_WAIT
    )


async def claim(session: WriteSession, message_id: UUID, seconds: float) -> Claim | None:
    """Takes a message for so many seconds; None when it is done or held by another."""
    moment = now()
    statement = (
        update(OutboxMessage)
        .where(
            OutboxMessage.id == message_id,
            OutboxMessage.done_at.is_(None),
            OutboxMessage.claimed_until.is_(None) | (OutboxMessage.claimed_until < moment),
        )
        .values(
            claimed_until=moment + timedelta(seconds=seconds),
            available_at=moment + timedelta(seconds=seconds),
            attempts=OutboxMessage.attempts + 1,
        )
        .returning(OutboxMessage.order_id, OutboxMessage.attempts, OutboxMessage.traceparent, OutboxMessage.request_id)
        .execution_options(synchronize_session=False)
    )
    taken = (await session.execute(statement)).one_or_none()
    if taken is None:
        return None
    query = select(Order.total_minor, Order.currency, Order.created_at).where(Order.id == taken.order_id)
    order = (await session.execute(query)).one()
    return Claim(
        message_id=message_id,
        order_id=taken.order_id,
        amount_minor=order.total_minor,
        currency=order.currency,
        placed_at=order.created_at,
        attempts=taken.attempts,
        traceparent=taken.traceparent,
        request_id=taken.request_id,
    )


async def done(session: WriteSession, message_id: UUID) -> None:
    await session.execute(_set(message_id, done_at=now(), claimed_until=None))


async def release(session: WriteSession, claim: Claim) -> None:
    """Gives a claim back after a failure; the next try comes later each time. Leaves alone who has taken it over."""
    pause = BACKOFF_SECONDS[min(claim.attempts, len(BACKOFF_SECONDS)) - 1]
    given_back = _set(claim.message_id, claimed_until=None, available_at=now() + timedelta(seconds=pause))
    await session.execute(given_back.where(OutboxMessage.attempts == claim.attempts))


async def take_waiting(session: WriteSession, limit: int, pause: timedelta) -> Sequence[UUID]:
    """The messages that waited too long, oldest first; each is left alone for `pause` from now on."""
    moment = now()
    waiting = aliased(OutboxMessage)
    chosen = (
        select(waiting.id)
        .where(waiting.done_at.is_(None), waiting.available_at <= moment)
        .order_by(waiting.available_at)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    statement = (
        update(OutboxMessage)
        .where(OutboxMessage.id.in_(chosen))
        .values(available_at=moment + pause)
        .returning(OutboxMessage.id)
        .execution_options(synchronize_session=False)
    )
    return (await session.execute(statement)).scalars().all()


async def backlog(session: ReadSession) -> tuple[int, float]:
    """How many messages are not done, and the age of the oldest in seconds (0 when there is none)."""
    query = select(func.count(), func.min(OutboxMessage.created_at)).where(OutboxMessage.done_at.is_(None))
    row: tuple[int, datetime | None] = (await session.execute(query)).one()
    count, oldest = row
    return count, max((now() - oldest).total_seconds(), 0.0) if oldest is not None else 0.0


def _set(message_id: UUID, **values: object) -> Update:
    return (
        update(OutboxMessage)
        .where(OutboxMessage.id == message_id)
        .values(**values)
        .execution_options(synchronize_session=False)
    )
