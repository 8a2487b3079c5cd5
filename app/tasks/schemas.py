"""Request and response bodies of tasks and dead letters."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BaseModel, Field, StringConstraints

from app.pagination import PageQuery
from app.text.types import Plain

TaskStatus = Literal["queued", "running", "succeeded", "failed"]


class EmailCounts(BaseModel):
    """What became of the e-mails of a campaign, as of its end.

    `skipped` are those whose account was closed meanwhile. Those that `failed` are dead letters, which an administrator
    may have sent again.
    """

    total: int
    sent: int
    skipped: int
    failed: int


class TaskView(BaseModel):
    """How a task goes.

    `progress` is the share that is done, from 0 to 1; `attempts` counts how often a worker took it up, once for each
    turn of a long one. `error` is set when the status is `failed`, which an administrator may undo; `result` when there
    is something to fetch. A campaign ends when all its e-mails have ended, and has their counts in `emails` then; it is
    `failed` when some failed and none was sent.
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
    """`topic` leaves out all others."""

    topic: (
        Annotated[str, StringConstraints(min_length=1, max_length=64), Plain, Field(description="of which work")] | None
    ) = None


class DeadLetterView(BaseModel):
    """A message that was given up. `payload` holds ids; `request_id` and `trace_id` lead to the log and the trace."""

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
