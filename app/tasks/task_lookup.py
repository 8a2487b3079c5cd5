"""Queries for tasks; none of them commits."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import select

from app.infra.database import ReadSession
from app.infra.outbox.models import DeadLetter, OutboxMessage

_SHARED: Final = ("id", "topic", "owner_id", "attempts", "created_at")
# Columns of a task in each table, and the one with the time of its end.
_TABLES: Final[tuple[tuple[type[OutboxMessage | DeadLetter], tuple[str, ...], str], ...]] = (
    (OutboxMessage, (*_SHARED, "progress", "payload", "claimed_until"), "done_at"),
    (DeadLetter, (*_SHARED, "error"), "died_at"),
)


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
    for table, names, finished in _TABLES:
        columns: list[Any] = [getattr(table, name) for name in names]
        query = select(*columns, getattr(table, finished).label("finished_at")).where(table.id == task_id)
        row = (await session.execute(query)).mappings().one_or_none()
        if row is not None:
            return TaskRecord(**row)
    return None
