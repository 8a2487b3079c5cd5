"""Repeats the authorisation of open streams and sockets, which outlive the request that opened them."""

from collections.abc import Callable
from typing import Literal

from app.accounts.access_tokens import Tokens
from app.accounts.revocation import Access
from app.errors import UnauthenticatedError, UnavailableError

End = Literal["draining", "unauthenticated"]


class Standing:
    """Authorisation of one stream or socket.

    It is tested twice a second, against a cache of four seconds: a stream ends within five seconds after its token
    expires, or its role, password or active flag changes.
    """

    def __init__(self, tokens: Tokens, access: Access, draining: Callable[[], bool], token: str) -> None:
        self._tokens = tokens
        self._access = access
        self._draining = draining
        self._token = token

    async def end(self) -> End | None:
        """Returns the reason to end now, if any. An outage of the database is no reason."""
        if self._draining():
            return "draining"
        try:
            await self._access.check(self._tokens.read(self._token))
        except UnauthenticatedError:
            return "unauthenticated"
        except UnavailableError:
            return None
        return None
