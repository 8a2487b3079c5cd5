"""Statements on reports and their files; none of them commits."""

from datetime import timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import exists, func, select

from app.accounts.models import Account
from app.infra.database import ReadSession, WriteSession
from app.infra.database.orm import delete_batch, now
from app.infra.outbox.models import OutboxMessage
from app.reports.models import Report, ReportChunk

RETENTION: Final = timedelta(days=30)  # of a report's row, once its file has expired
_CHUNKS_A_BATCH: Final = 100


async def get(session: ReadSession, report_id: UUID) -> Report | None:
    return await session.get(Report, report_id)


async def unfinished(session: WriteSession, owner_id: UUID) -> int:
    """Counts an account's unfinished reports; locks the account, so that none is added until the commit."""
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
    """Deletes a batch of expired files' chunks, or of reports past their retention; returns how many."""
    moment = now()
    expired = select(Report.id).where(Report.expires_at <= moment)
    chunks = await delete_batch(session, ReportChunk, ReportChunk.report_id.in_(expired), limit=_CHUNKS_A_BATCH)
    if chunks:
        return chunks
    is_empty = ~exists().where(ReportChunk.report_id == Report.id)
    return await delete_batch(session, Report, Report.expires_at <= moment - RETENTION, is_empty)
