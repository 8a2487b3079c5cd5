"""Dead letters: jobs that failed too often, listed and redriven."""

from uuid import UUID

import structlog
from sqlalchemy import RowMapping

from app.errors import NotFoundError
from app.infra.database import Database
from app.infra.database.orm import now
from app.infra.outbox import dead_letters
from app.infra.outbox.outbox import Outbox
from app.tasks.schemas import DeadLetterPage, DeadLetterQuery, DeadLetterView


class DeadLetterNotFoundError(NotFoundError):
    code = "dead_letter_not_found"


class DeadLetters:
    """Lists and redrives dead letters."""

    def __init__(self, database: Database, outbox: Outbox) -> None:
        self._database = database
        self._outbox = outbox

    async def page(self, query: DeadLetterQuery) -> DeadLetterPage:
        async with self._database.read() as session:
            rows, total = await dead_letters.page(session, offset=query.offset, limit=query.per_page, topic=query.topic)
        views = [_view(row) for row in rows]
        return DeadLetterPage(dead_letters=views, page=query.page, per_page=query.per_page, total=total)

    async def redrive(self, message_id: UUID) -> None:
        """Requeues a dead letter with its failures reset. Raises DeadLetterNotFoundError, also for a second call."""
        async with self._database.write() as session:
            topic = await dead_letters.redrive(session, message_id)
            if topic is None:
                raise DeadLetterNotFoundError("There is no such dead letter; somebody may have revived it already.")
            self._outbox.notify_workers(session, message_id)
        structlog.get_logger().info("dead_letter_redriven", topic=topic, message_id=message_id)


def _view(row: RowMapping) -> DeadLetterView:
    trace_id = row["traceparent"][3:35]  # W3C Trace Context: version, trace id, span id, flags
    age = (now() - row["created_at"]).total_seconds()
    return DeadLetterView(**row, trace_id=trace_id, age_seconds=max(0, int(age)))
