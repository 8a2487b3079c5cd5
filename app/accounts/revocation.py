"""Tests whether a token is still valid for its account, with a short-lived cache of the database.

A change of role, password or active flag raises the account's token version, which ends tokens of older versions. A
logout or the reuse of a refresh token ends the tokens of its session. Each replica refreshes an account after
FRESH_SECONDS: so no old token lives longer anywhere, and a busy caller costs one query in that time.
"""

import time
from collections.abc import Callable
from typing import Final
from uuid import UUID

from app.accounts import repository
from app.accounts.access_tokens import Identity
from app.errors import UnauthenticatedError
from app.infra.database import Database

FRESH_SECONDS: Final = 4.0  # below the documented five, since a request may be under way
MAX_SESSIONS: Final = 10_000  # in memory, about 4 MB
_Key = tuple[UUID, UUID | None]  # account and session


class Access:
    """Checks the identities of tokens. `clock` is monotonic, in seconds."""

    def __init__(
        self, database: Database, *, remembered: int = MAX_SESSIONS, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._database = database
        self._remembered = remembered
        self._clock = clock
        # The time of the query, and its result; oldest first.
        self._seen: dict[_Key, tuple[float, repository.Standing | None]] = {}

    async def check(self, identity: Identity) -> None:
        """Raises UnauthenticatedError when the account is gone, inactive, or has changed since the token's issue."""
        key = identity.account_id, identity.session_id
        standing = await self._standing(key)
        if standing is not None and identity.token_version > standing.token_version:
            # Another replica changed the account and issued this token: the cached row is older.
            self.invalidate(identity.account_id)
            standing = await self._standing(key)
        if standing is None:
            raise UnauthenticatedError("The account of this token does not exist any more.")
        changed = (standing.token_version, standing.role) != (identity.token_version, identity.role)
        if changed or not standing.is_active:
            raise UnauthenticatedError("The account changed after this token was issued; log in again.")
        if standing.session_ended:
            raise UnauthenticatedError("The session of this token was ended; log in again.")

    def invalidate(self, account_id: UUID) -> None:
        """Drops an account from the cache after a change in this process."""
        for key in [key for key in self._seen if key[0] == account_id]:
            del self._seen[key]

    async def _standing(self, key: _Key) -> repository.Standing | None:
        seen = self._seen.get(key)
        asked_at = self._clock()
        if seen is None or asked_at - seen[0] >= FRESH_SECONDS:
            async with self._database.read() as session:
                seen = asked_at, await repository.standing(session, *key)
            self._seen.pop(key, None)
            while len(self._seen) >= self._remembered:
                del self._seen[next(iter(self._seen))]
            self._seen[key] = seen
        return seen[1]
