"""Statements on reports and their files. Takes a session, never commits."""

from datetime import timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import delete, exists, func, select, tuple_

from app.accounts.models import Account
from app.infra.database import ReadSession, WriteSession
from app.infra.database.orm import now
from app.infra.outbox.models import OutboxMessage
from app.reports.models import Report, ReportChunk

KEEP_ROWS: Final = timedelta(days=30)
_CHUNKS_AT_ONCE: Final = 100
_ROWS_AT_ONCE: Final = 1000


async def get(session: ReadSession, report_id: UUID) -> Report | None:
    return await session.get(Report, report_id)


async def unfinished(session: WriteSession, owner_id: UUID) -> int:
    """How many reports of an account are on their way; holds the account, so that no more are added meanwhile."""
    await session.execute(select(Account.id).where(Account.id == owner_id).with_for_update(key_share=True))
    query = (
        select(func.count())
        .select_from(Report)
        .join(OutboxMessage, OutboxMessage.id == Report.id)
        .where(Report.owner_id == owner_id, OutboxMessage.done_at.is_(None))
    )
    return (await session.execute(query)).scalar_one()


async def chunk(session: ReadSession, report_id: UUID, number: int) -> bytes | None:
    query = select(ReportChunk.content).where(ReportChunk.report_id == report_id, ReportChunk.number == number)
    return (await session.execute(query)).scalar_one_or_none()


async def sweep(session: WriteSession) -> int:
    """Forgets files that have expired, and a month later that they were there; how many pieces and rows."""
    moment = now()
    old = (
        select(ReportChunk.report_id, ReportChunk.number)
        .join(Report, Report.id == ReportChunk.report_id)
        .where(Report.expires_at <= moment)
        .limit(_CHUNKS_AT_ONCE)
    )
    keys = [tuple(row) for row in await session.execute(old)]
    if keys:
        await session.execute(
            delete(ReportChunk)
            .where(tuple_(ReportChunk.report_id, ReportChunk.number).in_(keys))
            .execution_options(synchronize_session=False)
        )
        return len(keys)
    gone = (
        select(Report.id)
        .where(Report.expires_at <= moment - KEEP_ROWS, ~exists().where(ReportChunk.report_id == Report.id))
        .limit(_ROWS_AT_ONCE)
    )
    forgotten = delete(Report).where(Report.id.in_(gone)).returning(Report.id)
    return len((await session.execute(forgotten.execution_options(synchronize_session=False))).all())
