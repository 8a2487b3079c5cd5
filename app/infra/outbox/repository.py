"""Statements that claim, extend, complete and release one message; none of them commits.

Without a valid claim they raise LeaseLostError, which must roll the transaction back.
"""

import random
from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ColumnElement, case, select, update

from app.infra.database import WriteSession
from app.infra.database.orm import now
from app.infra.outbox.models import OutboxMessage

FIRST_WAIT: Final = timedelta(seconds=5)  # for which the reconciler leaves a message to its notification
BACKOFF_SECONDS: Final = (1, 2, 5, 10, 30)


class LeaseLostError(Exception):
    """Another worker has taken the message over; the transaction of this one must be rolled back."""


@dataclass(frozen=True, slots=True)
class Claim:
    """A worker's exclusive, temporary right to handle a message. `attempts` tells it from other claims."""

    message_id: UUID
    topic: str
    payload: dict[str, Any]
    attempts: int
    failures: int
    created_at: datetime
    traceparent: str
    tracestate: str
    request_id: str


_CLAIMED: Final = tuple(column.name for column in fields(Claim) if column.name != "message_id")


async def claim(session: WriteSession, message_id: UUID, seconds: float) -> Claim | None:
    """Claims a message for so many seconds; returns None when it is done or claimed by another worker.

    A claim that expired was a dead worker's, and counts as a failure: else a message that kills its workers would be
    retried for ever.
    """
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
            failures=OutboxMessage.failures + case((OutboxMessage.claimed_until.is_not(None), 1), else_=0),
        )
        .returning(OutboxMessage.order_id, *(getattr(OutboxMessage, name) for name in _CLAIMED))
    )
    taken = (await session.execute(statement)).mappings().one_or_none()
    if taken is None:
        return None
    values = dict(taken)
    order_id = str(values.pop("order_id"))
    return Claim(message_id, **values | {"payload": taken["payload"] or {"order_id": order_id}})


async def extend(session: WriteSession, claim: Claim, seconds: float) -> None:
    """Extends a claim by so many seconds from now."""
    until = now() + timedelta(seconds=seconds)
    await _change(session, claim, claimed_until=until, available_at=until)


async def lock(session: WriteSession, claim: Claim) -> None:
    """Locks a message until the transaction ends."""
    query = select(OutboxMessage.id).where(*_held_by(claim))
    if (await session.execute(query.with_for_update())).one_or_none() is None:
        raise LeaseLostError


async def reschedule(session: WriteSession, claim: Claim, after_seconds: float) -> None:
    """Releases a claim and resets the failures."""
    available_at = now() + FIRST_WAIT + timedelta(seconds=after_seconds)
    await _change(session, claim, claimed_until=None, available_at=available_at, failures=0)


async def postpone(session: WriteSession, claim: Claim, seconds: float) -> None:
    """Releases an unused claim without counting an attempt.

    The message becomes available after `seconds` to twice as many. Its next claim may have the number of this one.
    """
    available_at = now() + timedelta(seconds=seconds * random.uniform(1.0, 2.0))  # noqa: S311 -- no secret
    await _change(session, claim, claimed_until=None, available_at=available_at, attempts=claim.attempts - 1)


async def set_progress(session: WriteSession, claim: Claim, share: float) -> None:
    """Stores the share of the job that is done, from 0 to 1."""
    await _change(session, claim, progress=share)


async def done(session: WriteSession, claim: Claim, result: Mapping[str, Any] | None = None) -> None:
    """Completes a message, with `result` in its payload."""
    kept = {} if result is None else {"payload": {**claim.payload, "result": dict(result)}}
    await _change(session, claim, done_at=now(), claimed_until=None, progress=1.0, **kept)


async def release(session: WriteSession, claim: Claim, *, failed: bool) -> None:
    """Releases a claim after a failure, with exponential backoff and jitter."""
    longest = BACKOFF_SECONDS[min(claim.attempts, len(BACKOFF_SECONDS)) - 1]
    available_at = now() + timedelta(seconds=longest * random.uniform(0.5, 1.0))  # noqa: S311 -- no secret
    failures = claim.failures + failed
    await _change(session, claim, claimed_until=None, available_at=available_at, failures=failures)


async def _change(session: WriteSession, claim: Claim, **values: object) -> None:
    statement = update(OutboxMessage).where(*_held_by(claim)).values(**values).returning(OutboxMessage.id)
    changed = await session.execute(statement)
    if changed.one_or_none() is None:
        raise LeaseLostError


def _held_by(claim: Claim) -> tuple[ColumnElement[bool], ...]:
    """Returns conditions that select the message while the claim is valid."""
    return (
        OutboxMessage.id == claim.message_id,
        OutboxMessage.attempts == claim.attempts,
        # A late renewal must not claim a message again that was released.
        OutboxMessage.claimed_until.is_not(None),
        OutboxMessage.done_at.is_(None),
    )
