"""Reads the state of tasks."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final
from uuid import UUID

from app.accounts.permissions import Permission, allows
from app.errors import NotFoundError
from app.infra.database.orm import now
from app.tasks import task_lookup
from app.tasks.schemas import EmailCounts, TaskStatus, TaskView

if TYPE_CHECKING:
    from app.accounts.access_tokens import Identity
    from app.infra.database import Database
    from app.tasks.task_lookup import TaskRecord


_NONE_SENT: Final = "None of the e-mails could be sent; the dead letters say why."


class TaskNotFoundError(NotFoundError):
    code = "task_not_found"


class Tasks:
    """Returns tasks to their owners. `results` maps topics to the path of a task's result, with `{id}` in it."""

    def __init__(self, database: "Database", results: Mapping[str, str]) -> None:
        self._database = database
        self._results = results

    async def get(self, caller: "Identity", task_id: UUID) -> TaskView:
        """Returns a task. Raises TaskNotFoundError, for another's task as well, so that nobody learns whether it
        exists.
        """
        async with self._database.read() as session:
            record = await task_lookup.get(session, task_id)
        if record is None or not (record.owner_id == caller.account_id or allows(caller.role, Permission.JOBS_MANAGE)):
            raise TaskNotFoundError("There is no such task of yours; what is done is forgotten after a week.")
        emails = _emails(record)
        status = _status(record, emails)
        result = self._results.get(record.topic) if status == "succeeded" else None
        return TaskView(
            id=record.id,
            kind=record.topic,
            status=status,
            progress=record.progress,
            attempts=record.attempts,
            created_at=record.created_at,
            finished_at=record.finished_at,
            error=_NONE_SENT if status == "failed" and record.error is None else record.error,
            result=result.format(id=record.id) if result is not None else None,
            emails=emails,
        )


def _emails(record: "TaskRecord") -> EmailCounts | None:
    """Returns the counts of a campaign that has ended."""
    counts = record.payload.get("result", {}).get("emails")
    return EmailCounts.model_validate(counts) if counts is not None else None


def _status(record: "TaskRecord", emails: EmailCounts | None) -> TaskStatus:
    """Returns the status; a long task is running between two time slices too, although no worker has it."""
    if record.error is not None or (emails is not None and emails.failed and not emails.sent):
        return "failed"
    if record.finished_at is not None:
        return "succeeded"
    held = record.claimed_until is not None and record.claimed_until > now()
    return "running" if held or record.progress > 0 else "queued"
