"""Request and response bodies of tasks and dead letters."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BaseModel, Field, StringConstraints

from app.schemas import PageQuery
from app.text.types import Plain

Topic = Annotated[str, StringConstraints(min_length=1, max_length=64), Plain]
TaskStatus = Literal["queued", "running", "succeeded", "failed"]


class EmailCounts(BaseModel):
    """Counts of a campaign's e-mails by outcome, as of its end.

    `skipped` counts e-mails whose account was closed in the meantime. Those that `failed` are dead letters, which an
    administrator can redrive.
    """

    total: int
    sent: int
    skipped: int
    failed: int


class TaskView(BaseModel):
    """State of a task.

    `progress` is the completed share, from 0 to 1. `attempts` counts how often a worker started the task; a long task
    starts again for each time slice. `error` is set when `status` is `failed`, until an administrator redrives the
    task. `result` is the path of the result, if there is one. A campaign ends with the last of its e-mails, which
    `emails` then counts by outcome; it is `failed` when some failed and none was sent.
    """

    id: UUID
    kind: str
    status: TaskStatus
    progress: Annotated[float, Field(ge=0, le=1)]
    attempts: int
    created_at: datetime
    finished_at: datetime | None
    error: str | None
    result: str | None
    emails: EmailCounts | None = None


class DeadLetterQuery(PageQuery):
    """Filter and page of a list of dead letters."""

    topic: Annotated[Topic | None, Field(description="Topic of the jobs")] = None


class DeadLetterView(BaseModel):
    """A dead-lettered message. `payload` holds ids; `request_id` and `trace_id` identify its logs and its trace."""

    id: UUID
    topic: str
    payload: dict[str, Any]
    error: str
    attempts: int
    request_id: str
    trace_id: str
    created_at: datetime
    died_at: datetime
    age_seconds: int


class DeadLetterPage(BaseModel):
    """One page of dead letters, newest first; `total` counts all that match."""

    dead_letters: list[DeadLetterView]
    page: int
    per_page: int
    total: int
