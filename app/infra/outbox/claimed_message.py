"""A message while a worker handles it."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal
from uuid import UUID

from app.infra.database import WriteSession
from app.infra.outbox import repository
from app.infra.outbox.repository import Claim


class LeaseLostError(Exception):
    """Another worker has taken the message over; the transaction of this one must be rolled back."""


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
        if not await repository.done(session, self.claim, result):
            raise LeaseLostError
        self.outcome = "done"

    async def reschedule(self, session: WriteSession, *, after_seconds: float = 0) -> None:
        """Requeues the message in the handler's transaction, and resets its failures. Raises LeaseLostError.

        The caller also notifies the workers.
        """
        if not await repository.reschedule(session, self.claim, after_seconds):
            raise LeaseLostError
        self.outcome = "again"

    async def lock(self, session: WriteSession) -> None:
        """Locks the message until the handler's transaction ends. Raises LeaseLostError."""
        if not await repository.lock(session, self.claim):
            raise LeaseLostError

    async def progress(self, share: float, session: WriteSession) -> None:
        """Stores the share that is done, from 0 to 1, in the handler's transaction. Raises LeaseLostError."""
        if not await repository.set_progress(session, self.claim, share):
            raise LeaseLostError


Handler = Callable[[Message], Awaitable[str | None]]
