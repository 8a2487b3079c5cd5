"""A message in the hands of who works on it."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Literal
from uuid import UUID

from app.infra.database import Database, WriteSession
from app.infra.outbox import repository
from app.infra.outbox.repository import Claim


class LeaseLostError(Exception):
    """Another worker has taken the message over; whatever this one was about to write must not stand."""


class Message:
    """What a handler is given. Handled twice it must come to the same: a worker may die after its work."""

    def __init__(self, claim: Claim, database: Database) -> None:
        self.claim = claim
        self.outcome: Literal["done", "again"] | None = None
        self._database = database

    @property
    def id(self) -> UUID:
        return self.claim.message_id

    @property
    def payload(self) -> dict[str, Any]:
        return self.claim.payload

    async def done(self, session: WriteSession, result: Mapping[str, Any] | None = None) -> None:
        """Ends the message in the handler's own transaction, so that both stand or neither. Raises LeaseLostError.

        `result` is kept with it, for whoever asks for the task: counts, and nothing personal.
        """
        if not await repository.done(session, self.claim, result):
            raise LeaseLostError
        self.outcome = "done"

    async def again(self, session: WriteSession, *, after_seconds: float = 0) -> None:
        """Gives the message back in the handler's own transaction: there is more to do, later. Raises LeaseLostError.

        Faults of before are forgotten, since it got on. Who gives it back gives the hint too.
        """
        if not await repository.again(session, self.claim, after_seconds):
            raise LeaseLostError
        self.outcome = "again"

    async def hold(self, session: WriteSession) -> None:
        """Keeps everybody else from the message until the handler's own transaction ends. Raises LeaseLostError."""
        if not await repository.hold(session, self.claim):
            raise LeaseLostError

    async def progress(self, share: float, session: WriteSession | None = None) -> None:
        """Tells how much is done, from 0 to 1, in the handler's own transaction if given. Raises LeaseLostError."""
        if session is None:
            async with self._database.write() as own:
                return await self.progress(share, own)
        if not await repository.set_progress(session, self.claim, share):
            raise LeaseLostError
        return None


Handler = Callable[[Message], Awaitable[str | None]]
