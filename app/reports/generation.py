"""Makes a report in batches, each committed with the position, so that any worker can continue."""

from datetime import UTC, datetime, time, timedelta
from functools import partial
from hashlib import sha256
from typing import Final
from uuid import UUID

from app.csv_output import to_csv
from app.errors import InvalidError
from app.infra.database import WriteSession
from app.infra.database.orm import now
from app.infra.outbox.claimed_message import Message
from app.infra.outbox.time_slices import Batch, TimeSlices
from app.reports import sales
from app.reports.models import Report, ReportChunk
from app.reports.sales import Span

ORDERS_AT_ONCE: Final = 500


class MakeReport:
    """Handles messages that request a report. `days` is the retention of a file."""

    def __init__(self, slices: TimeSlices, *, days: int, orders_at_once: int = ORDERS_AT_ONCE) -> None:
        self._slices = slices
        self._kept = timedelta(days=days)
        self._orders_at_once = orders_at_once

    async def __call__(self, message: Message) -> None:
        """Runs one time slice. Raises InvalidError when the report has expired."""
        await self._slices.run(message, partial(self._batch, UUID(message.payload["report_id"])))

    async def _batch(self, report_id: UUID, session: WriteSession) -> Batch:
        report = await session.get(Report, report_id)
        if report is None or report.expires_at <= now():
            raise InvalidError("The report has expired; its owner may ask for a new one.")
        span = _span(report)
        if report.orders_total is None:
            report.orders_total = await sales.count(session, span)
            _append(session, report, to_csv([sales.HEADER]))
        after = (report.after_at, report.after_id) if report.after_at and report.after_id else None
        batch = await sales.orders(session, span, after, self._orders_at_once)
        if batch:
            _append(session, report, await sales.lines(session, [order.id for order in batch], report.seller_id))
            report.orders_done += len(batch)
            report.after_at, report.after_id = batch[-1]
        finished = len(batch) < self._orders_at_once
        if finished:
            report.finished_at = now()
            report.expires_at = report.finished_at + self._kept
        # Orders that are paid meanwhile may exceed the count.
        share = report.orders_done / max(report.orders_total, report.orders_done, 1)
        return Batch(share, then="end" if finished else "continue")


def _span(report: Report) -> Span:
    """Returns the report's interval, which ends at the time of the request at the latest: so its data can't change."""
    begins = datetime.combine(report.first_day, time.min, UTC)
    ends = datetime.combine(report.last_day + timedelta(days=1), time.min, UTC)
    return Span(begins, min(ends, report.created_at))


def _append(session: WriteSession, report: Report, content: bytes) -> None:
    if not content:
        return
    session.add(ReportChunk(report_id=report.id, number=report.chunks, content=content))
    report.chunks += 1
    report.size_bytes += len(content)
    report.digest = sha256(report.digest.encode() + content).hexdigest()
