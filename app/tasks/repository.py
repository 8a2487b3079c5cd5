"""Queries for tasks; none of them commits."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select

from app.infra.database import ReadSession
from app.infra.outbox.models import DeadLetter, OutboxMessage


@dataclass(frozen=True, slots=True)
class TaskRecord:
    """A message or dead letter. `error` is set on a dead letter, `claimed_until` while a worker handles the message.

    Once it is done, `payload` may hold a `result`.
    """

    id: UUID
    topic: str
    owner_id: UUID | None
    attempts: int
    created_at: datetime
    progress: float = 0.0
    claimed_until: datetime | None = None
    finished_at: datetime | None = None
    error: str | None = None
    payload: Mapping[str, Any] = field(default_factory=dict)


async def get(session: ReadSession, task_id: UUID) -> TaskRecord | None:
    """Returns a task; None also for one that was done longer ago than the retention."""
    living = select(
        OutboxMessage.id,
        OutboxMessage.topic,
        OutboxMessage.owner_id,
        OutboxMessage.attempts,
        OutboxMessage.created_at,
        OutboxMessage.progress,
        OutboxMessage.payload,
        OutboxMessage.claimed_until,
        OutboxMessage.done_at.label("finished_at"),
    )
    row = (await session.execute(living.where(OutboxMessage.id == task_id))).mappings().one_or_none()
    if row is not None:
        return TaskRecord(**row)
    dead = select(
        DeadLetter.id,
        DeadLetter.topic,
        DeadLetter.owner_id,
        DeadLetter.attempts,
        DeadLetter.created_at,
        DeadLetter.died_at.label("finished_at"),
        DeadLetter.error,
    )
    row = (await session.execute(dead.where(DeadLetter.id == task_id))).mappings().one_or_none()
    return TaskRecord(**row) if row is not None else None
