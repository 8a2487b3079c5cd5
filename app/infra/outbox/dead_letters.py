"""Statements on dead letters; none of them commits."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any
from uuid import UUID

from sqlalchemy import RowMapping, delete, func, insert, select

from app.infra.database import ReadSession, WriteSession
from app.infra.database.orm import now
from app.infra.outbox.models import DeadLetter, OutboxMessage
from app.infra.outbox.repository import FIRST_WAIT, Claim

# The attempts continue: they tell the claim of a worker that was given up from later claims.
_CARRIED = ("id", "topic", "payload", "owner_id", "traceparent", "tracestate", "request_id", "attempts")


async def bury(session: WriteSession, claim: Claim, error: str) -> bool:
    """Moves a message to the dead letters; False when the claim was lost."""
    statement = (
        delete(OutboxMessage)
        .where(OutboxMessage.id == claim.message_id, OutboxMessage.attempts == claim.attempts)
        .returning(OutboxMessage.owner_id)
    )
    row = (await session.execute(statement)).one_or_none()
    if row is None:
        return False
    values = asdict(claim)
    del values["failures"]
    values |= {"id": values.pop("message_id"), "owner_id": row.owner_id, "error": error[:300], "died_at": now()}
    await session.execute(insert(DeadLetter).values(values))
    return True


async def redrive(session: WriteSession, message_id: UUID) -> str | None:
    """Moves a dead letter back to the outbox, with failures and age reset; returns its topic, or None."""
    columns: list[Any] = [getattr(DeadLetter, name) for name in _CARRIED]
    statement = delete(DeadLetter).where(DeadLetter.id == message_id).returning(*columns)
    row = (await session.execute(statement)).one_or_none()
    if row is None:
        return None
    await session.execute(insert(OutboxMessage).values(**row._asdict(), available_at=now() + FIRST_WAIT))
    return str(row.topic)


async def page(
    session: ReadSession, *, offset: int, limit: int, topic: str | None = None
) -> tuple[Sequence[RowMapping], int]:
    """Returns the rows of one page, newest first, and the number of matches; of one topic, if given."""
    columns: list[Any] = list(DeadLetter.__table__.columns)
    query = select(*columns).order_by(DeadLetter.died_at.desc(), DeadLetter.id).offset(offset).limit(limit)
    if topic is not None:
        query = query.where(DeadLetter.topic == topic)
    return (await session.execute(query)).mappings().all(), await count(session, topic)


async def count(session: ReadSession, topic: str | None = None) -> int:
    query = select(func.count()).select_from(DeadLetter)
    return (await session.execute(query if topic is None else query.where(DeadLetter.topic == topic))).scalar_one()
