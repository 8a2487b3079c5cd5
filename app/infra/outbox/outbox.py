"""Adds messages to the outbox."""

from collections.abc import Callable
from typing import Any
from uuid import UUID, uuid4

from app.infra.database import WriteSession
from app.infra.database.orm import now
from app.infra.outbox.models import OutboxMessage
from app.infra.outbox.repository import FIRST_WAIT
from app.telemetry import context
from app.telemetry.traces.tracing import traceparent, tracestate


class Outbox:
    """Adds messages to transactions. `enqueue` notifies the workers after the commit."""

    def __init__(self, enqueue: Callable[[UUID], None]) -> None:
        self._enqueue = enqueue

    def add(
        self,
        session: WriteSession,
        topic: str,
        payload: dict[str, Any],
        *,
        owner_id: UUID | None = None,
        message_id: UUID | None = None,
    ) -> UUID:
        """Adds a message and returns its id; a given id makes sure that it is added once."""
        work = context.current()
        message = OutboxMessage(
            id=message_id or uuid4(),
            topic=topic,
            payload=payload,
            owner_id=owner_id,
            traceparent=traceparent(),
            tracestate=tracestate(),
            request_id=work.request_id if work else "",
            available_at=now() + FIRST_WAIT,
        )
        session.add(message)
        self.notify_workers(session, message.id)
        return message.id

    def notify_workers(self, session: WriteSession, message_id: UUID) -> None:
        """Notifies the workers of a message after the commit."""

        async def notify() -> None:
            self._enqueue(message_id)

        session.after_commit(notify)
