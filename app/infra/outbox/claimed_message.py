"""A message while a worker handles it."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal
from uuid import UUID

from app.infra.database import WriteSession
from app.infra.outbox import repository
from app.infra.outbox.repository import Claim


@dataclass(slots=True)
class Message:
    """Argument of a handler. Handlers must be idempotent: a worker may die after its work."""

    claim: Claim
    outcome: Literal["done", "again"] | None = field(default=None, init=False)

    @property
    def id(self) -> UUID:
        return self.claim.message_id

    @property
    def payload(self) -> dict[str, Any]:
        return self.claim.payload

    async def done(self, session: WriteSession, result: Mapping[str, Any] | None = None) -> None:
        """Completes the message in the handler's transaction, so that both commit or neither. Raises LeaseLostError.

        `result` is stored for the task's view: counts, and no personal data.
        """
        await repository.done(session, self.claim, result)
        self.outcome = "done"

    async def reschedule(self, session: WriteSession, *, after_seconds: float = 0) -> None:
        """Requeues the message in the handler's transaction, and resets its failures. Raises LeaseLostError.

        The caller also notifies the workers.
        """
        await repository.reschedule(session, self.claim, after_seconds)
        self.outcome = "again"


Handler = Callable[[Message], Awaitable[str | None]]
