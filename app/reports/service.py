"""Requests and downloads of reports."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Final
from uuid import UUID, uuid4

from app.accounts.access_tokens import Identity
from app.accounts.authentication import of_existing_account
from app.accounts.permissions import Permission, allows, require_any
from app.errors import ConflictError, GoneError, NotFoundError, TooManyRequestsError, UnavailableError
from app.infra.database import Database
from app.infra.database.orm import now
from app.infra.outbox.outbox import Outbox
from app.reports import repository
from app.reports.models import Report
from app.reports.schemas import NewSalesReport

MAKE_REPORT: Final = "make_sales_report"
_RETRY_AFTER: Final = 30


class ReportNotFoundError(NotFoundError):
    code = "report_not_found"


class ReportNotReadyError(ConflictError):
    code = "report_not_ready"


class ReportExpiredError(GoneError):
    code = "report_expired"


class TooManyReportsError(TooManyRequestsError):
    code = "too_many_reports"


@dataclass(frozen=True, slots=True)
class ReportFile:
    """A finished file. `content` yields it in pieces, `size` is in bytes, `digest` identifies its content."""

    name: str
    size: int
    digest: str
    content: AsyncIterator[bytes]


class Reports:
    """Reports of sales: sellers get their own, callers with the permission all."""

    def __init__(self, database: Database, outbox: Outbox, *, days: int, at_once: int) -> None:
        self._database = database
        self._outbox = outbox
        self._kept = timedelta(days=days)
        self._at_once = at_once

    async def ask(self, caller: Identity, new: NewSalesReport) -> UUID:
        """Requests a report; returns the id of the report and its task. Raises TooManyReportsError."""
        report_id = uuid4()
        everything = allows(caller.role, Permission.REPORTS_READ_ANY)
        with of_existing_account():
            async with self._database.write() as session:
                if await repository.unfinished(session, caller.account_id) >= self._at_once:
                    message = f"You have {self._at_once} reports that are not finished yet; wait for one of them."
                    raise TooManyReportsError(message, retry_after=_RETRY_AFTER)
                session.add(
                    Report(
                        id=report_id,
                        owner_id=caller.account_id,
                        seller_id=None if everything else caller.account_id,
                        first_day=new.first_day,
                        last_day=new.last_day,
                        expires_at=now() + self._kept,
                    )
                )
                payload = {"report_id": str(report_id)}
                self._outbox.add(session, MAKE_REPORT, payload, owner_id=caller.account_id, message_id=report_id)
        return report_id

    async def file(self, caller: Identity, report_id: UUID) -> ReportFile:
        """Returns the file of the caller's report.

        Raises ReportNotFoundError, for another's report as well, ReportNotReadyError, ReportExpiredError, and
        ForbiddenError when the report covers all sellers and the caller has lost the permission.
        """
        async with self._database.read() as session:
            report = await session.get(Report, report_id)
        if report is None or report.owner_id != caller.account_id:
            raise ReportNotFoundError("There is no such report of yours.")
        if report.seller_id is None:
            require_any(caller.role, Permission.REPORTS_READ_ANY)
        if report.expires_at <= now():
            raise ReportExpiredError("The file of this report has expired; ask for a new one.")
        if report.finished_at is None:
            raise ReportNotReadyError(f"The report is not ready; see how it goes at /api/v1/tasks/{report.id}.")
        first = await self._chunk(report, 0)  # an outage can still be answered as one here
        name = f"sales-{report.first_day}-{report.last_day}.csv"
        return ReportFile(name, report.size_bytes, report.digest, self._content(report, first))

    async def _content(self, report: Report, first: bytes) -> AsyncIterator[bytes]:
        yield first
        for number in range(1, report.chunks):
            yield await self._chunk(report, number)

    async def _chunk(self, report: Report, number: int) -> bytes:
        async with self._database.read() as session:
            content = await repository.chunk(session, report.id, number)
        if content is None:
            raise UnavailableError("The file of this report is being removed.")
        return content
