"""Authorises open streams and sockets again and again, since they outlive the request that opened them."""

from collections.abc import Callable
from typing import Literal

from app.accounts.access_tokens import Tokens
from app.accounts.revocation import Access
from app.errors import UnauthenticatedError, UnavailableError

End = Literal["draining", "unauthenticated"]


class Standing:
    """Authorisation of one stream or socket.

    It is checked twice a second, with account data that are cached for four seconds. So a stream ends within five
    seconds after its token expires, or after the role, password or active flag of its account changes.
    """

    def __init__(self, tokens: Tokens, access: Access, draining: Callable[[], bool], token: str) -> None:
        self._tokens = tokens
        self._access = access
        self._draining = draining
        self._token = token

    async def end(self) -> End | None:
        """Returns the reason to end now, or None. An outage of the database is not a reason."""
        if self._draining():
            return "draining"
        try:
            await self._access.check(self._tokens.read(self._token))
        except UnauthenticatedError:
            return "unauthenticated"
        except UnavailableError:
            return None
        return None
