"""Statements on pending messages; none of them commits."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import ColumnElement, func, select, update
from sqlalchemy.orm import aliased

from app.infra.database import ReadSession, WriteSession
from app.infra.database.orm import delete_batch, now
from app.infra.outbox.models import OutboxMessage

RETENTION: Final = timedelta(days=7)


async def take(session: WriteSession, limit: int, pause: timedelta) -> Sequence[UUID]:
    """Takes messages that have waited too long, the oldest first, and hides each for `pause`.

    If more than `limit` wait, those that have been available longest come first: so a message that keeps failing delays
    no others, and one whose pause was ended counts as available since it was written.
    """
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
        # Unsorted: the order of the subquery chooses rows only.
        .returning(OutboxMessage.created_at, OutboxMessage.id)
    )
    return [message_id for _, message_id in sorted(await session.execute(statement))]


async def put_back(session: WriteSession, messages: Sequence[UUID]) -> None:
    """Makes messages available again that were taken and not queued, the oldest first."""
    await _make_available(session, OutboxMessage.id.in_(messages))


async def call_back(session: WriteSession, topic: str) -> None:
    """Ends the pauses of a topic's messages, the oldest first, once their dependency answers again."""
    await _make_available(session, OutboxMessage.topic == topic, OutboxMessage.failures == 0)


async def backlog(session: ReadSession) -> dict[str, tuple[int, float]]:
    """Returns for each topic the number of pending messages, and the age of the oldest in seconds."""
    query = select(OutboxMessage.topic, func.count(), func.min(OutboxMessage.created_at))
    rows = await session.execute(query.where(OutboxMessage.done_at.is_(None)).group_by(OutboxMessage.topic))
    moment = now()
    return {topic: (count, max((moment - oldest).total_seconds(), 0.0)) for topic, count, oldest in rows}


async def sweep(session: WriteSession) -> int:
    """Deletes a batch of messages that were done longer ago than the retention; returns how many."""
    return await delete_batch(session, OutboxMessage, OutboxMessage.done_at < now() - RETENTION)


async def _make_available(session: WriteSession, *which: ColumnElement[bool]) -> None:
    moment = now()
    later = (
        OutboxMessage.available_at > moment,
        OutboxMessage.claimed_until.is_(None),
        OutboxMessage.done_at.is_(None),
    )
    # Since they were written: from now, newer messages that are available already would come first.
    statement = update(OutboxMessage).where(*which, *later).values(available_at=OutboxMessage.created_at)
    await session.execute(statement)
