"""Idempotency keys: statements on what was answered to the first request with one. Takes a session, never commits.

A key commits with its order: a refused order leaves it free, and of requests at the same time all but one wait for it.
"""

import hashlib
from dataclasses import dataclass
from datetime import timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import ColumnElement, delete, select, tuple_, update
from sqlalchemy.dialects import postgresql, sqlite

from app.infra.database import ReadSession, WriteSession
from app.infra.database.orm import now
from app.orders.errors import KeyReusedError
from app.orders.models import IdempotencyKey
from app.orders.schemas import NewOrder

KEPT: Final = timedelta(hours=24)
_SWEPT_AT_ONCE: Final = 1000


@dataclass(frozen=True, slots=True)
class Asked:
    """A request that may be a repeat."""

    account_id: UUID
    key: str
    fingerprint: str

    @classmethod
    def of(cls, account_id: UUID, key: str, new: NewOrder) -> "Asked":
        # What was not said is left out: a later version, with fields of its own, must find the same.
        content = new.model_dump_json(exclude_unset=True)
        return cls(account_id, key, hashlib.sha256(content.encode()).hexdigest())


@dataclass(frozen=True, slots=True)
class Answer:
    """What was said, byte for byte."""

    order_id: UUID
    content: bytes


async def find(session: ReadSession, asked: Asked) -> Answer | None:
    """What was answered first, if anything. Raises KeyReusedError when something else was asked then."""
    columns = (IdempotencyKey.fingerprint, IdempotencyKey.order_id, IdempotencyKey.answer)
    row = (await session.execute(select(*columns).where(*_this(asked)))).one_or_none()
    if row is None:
        return None
    if row.fingerprint != asked.fingerprint:
        raise KeyReusedError("This Idempotency-Key came with another body before; take a new key for a new order.")
    return Answer(row.order_id, row.answer)


async def claim(session: WriteSession, asked: Asked) -> Answer | None:
    """Takes the key, or gives what was answered first; waits for who has just taken it."""
    dialect = postgresql if session.get_bind().dialect.name == "postgresql" else sqlite
    values = {"account_id": asked.account_id, "key": asked.key, "fingerprint": asked.fingerprint}
    statement = dialect.insert(IdempotencyKey).values(values).on_conflict_do_nothing().returning(IdempotencyKey.key)
    if (await session.execute(statement)).first() is not None:
        return None
    return await find(session, asked)


async def keep(session: WriteSession, asked: Asked, answer: Answer) -> None:
    statement = update(IdempotencyKey).where(*_this(asked)).values(order_id=answer.order_id, answer=answer.content)
    await session.execute(statement.execution_options(synchronize_session=False))


async def forget(session: WriteSession, account_id: UUID) -> None:
    """The answers hold what the account's owner wrote."""
    statement = delete(IdempotencyKey).where(IdempotencyKey.account_id == account_id)
    await session.execute(statement.execution_options(synchronize_session=False))


async def sweep(session: WriteSession) -> int:
    """Forgets keys that have had their time; how many."""
    old = IdempotencyKey.created_at < now() - KEPT
    names = tuple_(IdempotencyKey.account_id, IdempotencyKey.key)
    chosen = select(IdempotencyKey.account_id, IdempotencyKey.key).where(old).limit(_SWEPT_AT_ONCE)
    statement = delete(IdempotencyKey).where(names.in_(chosen)).returning(IdempotencyKey.key)
    return len((await session.execute(statement.execution_options(synchronize_session=False))).all())


def _this(asked: Asked) -> tuple[ColumnElement[bool], ...]:
    return (IdempotencyKey.account_id == asked.account_id, IdempotencyKey.key == asked.key)
