"""Reads the state of tasks, from their messages in the outbox or their dead letters."""

from collections.abc import Mapping
from typing import Any, Final
from uuid import UUID

from app.accounts.access_tokens import Identity
from app.accounts.permissions import Permission, allows
from app.errors import NotFoundError
from app.infra.database import Database
from app.infra.database.orm import now
from app.infra.outbox.models import DeadLetter, OutboxMessage
from app.tasks.schemas import EmailCounts, TaskStatus, TaskView

_NONE_SENT: Final = "None of the e-mails could be sent; the dead letters say why."


class TaskNotFoundError(NotFoundError):
    code = "task_not_found"


class Tasks:
    """Returns tasks to their owners. `results` maps topics to the path of a task's result, with `{id}` in it."""

    def __init__(self, database: Database, results: Mapping[str, str]) -> None:
        self._database = database
        self._results = results

    async def get(self, caller: Identity, task_id: UUID) -> TaskView:
        """Returns a task. Raises TaskNotFoundError, for another's task as well: nobody learns whether it exists."""
        async with self._database.read() as session:
            task: OutboxMessage | DeadLetter | None = await session.get(OutboxMessage, task_id)
            if task is None:
                task = await session.get(DeadLetter, task_id)
        if task is None or not (task.owner_id == caller.account_id or allows(caller.role, Permission.JOBS_MANAGE)):
            raise TaskNotFoundError("There is no such task of yours; what is done is forgotten after a week.")
        view: dict[str, Any] = {name: getattr(task, name) for name in ("id", "attempts", "created_at")}
        if isinstance(task, DeadLetter):
            ended = {"finished_at": task.died_at, "error": task.error, "result": None}
            return TaskView(**view, **ended, kind=task.topic, status="failed", progress=0)
        counts = task.payload.get("result", {}).get("emails")  # of a campaign that has ended
        emails = EmailCounts.model_validate(counts) if counts is not None else None
        status = _status(task, emails)
        result = self._results.get(task.topic) if status == "succeeded" else None
        return TaskView(
            **view,
            kind=task.topic,
            status=status,
            progress=task.progress,
            finished_at=task.done_at,
            error=_NONE_SENT if status == "failed" else None,
            result=result.format(id=task.id) if result is not None else None,
            emails=emails,
        )


def _status(message: OutboxMessage, emails: EmailCounts | None) -> TaskStatus:
    """Returns the status; a long task is running between two time slices too, although no worker has it."""
    if emails is not None and emails.failed and not emails.sent:
        return "failed"
    if message.done_at is not None:
        return "succeeded"
    held = message.claimed_until is not None and message.claimed_until > now()
    return "running" if held or message.progress > 0 else "queued"
