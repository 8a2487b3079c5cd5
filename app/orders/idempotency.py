"""Statements on idempotency keys and the responses saved with them; none of them commits.

A key commits with its order: a refused order leaves it free, and of concurrent requests all but one wait for it.
"""

import hashlib
from dataclasses import dataclass
from datetime import timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import ColumnElement, delete, select, update
from sqlalchemy.dialects import postgresql, sqlite

from app.infra.database import ReadSession, WriteSession
from app.infra.database.orm import delete_batch, now
from app.orders.errors import KeyReusedError
from app.orders.models import IdempotencyKey
from app.orders.schemas import NewOrder

RETENTION: Final = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class KeyedRequest:
    """A request with an Idempotency-Key, which may be a repeat."""

    account_id: UUID
    key: str
    fingerprint: str

    @classmethod
    def of(cls, account_id: UUID, key: str, new: NewOrder) -> "KeyedRequest":
        # Unset fields are left out, so that a later release with more fields computes the same hash.
        content = new.model_dump_json(exclude_unset=True)
        return cls(account_id, key, hashlib.sha256(content.encode()).hexdigest())


@dataclass(frozen=True, slots=True)
class Answer:
    """Saved response body, byte for byte."""

    order_id: UUID
    content: bytes


async def find(session: ReadSession, request: KeyedRequest) -> Answer | None:
    """Returns the saved response, if any. Raises KeyReusedError when the first request had another body."""
    columns = (IdempotencyKey.fingerprint, IdempotencyKey.order_id, IdempotencyKey.answer)
    row = (await session.execute(select(*columns).where(*_matches(request)))).one_or_none()
    if row is None:
        return None
    if row.fingerprint != request.fingerprint:
        raise KeyReusedError("This Idempotency-Key came with another body before; take a new key for a new order.")
    return Answer(row.order_id, row.answer)


async def claim(session: WriteSession, request: KeyedRequest) -> Answer | None:
    """Reserves the key and returns None, or returns the saved response; waits for a concurrent request with the key."""
    dialect = postgresql if session.get_bind().dialect.name == "postgresql" else sqlite
    values = {"account_id": request.account_id, "key": request.key, "fingerprint": request.fingerprint}
    statement = dialect.insert(IdempotencyKey).values(values).on_conflict_do_nothing().returning(IdempotencyKey.key)
    if (await session.execute(statement)).first() is not None:
        return None
    return await find(session, request)


async def save(session: WriteSession, request: KeyedRequest, answer: Answer) -> None:
    statement = update(IdempotencyKey).where(*_matches(request)).values(order_id=answer.order_id, answer=answer.content)
    await session.execute(statement.execution_options(synchronize_session=False))


async def delete_all(session: WriteSession, account_id: UUID) -> None:
    """Deletes an account's responses, which hold personal data."""
    statement = delete(IdempotencyKey).where(IdempotencyKey.account_id == account_id)
    await session.execute(statement.execution_options(synchronize_session=False))


async def sweep(session: WriteSession) -> int:
    """Deletes a batch of keys past their retention; returns how many."""
    return await delete_batch(session, IdempotencyKey, IdempotencyKey.created_at < now() - RETENTION)


def _matches(request: KeyedRequest) -> tuple[ColumnElement[bool], ...]:
    return (IdempotencyKey.account_id == request.account_id, IdempotencyKey.key == request.key)
