"""Whether what stays open may stay open: asked again and again, since it outlives the request that opened it."""

from collections.abc import Callable
from typing import Literal

from app.accounts.access_tokens import Tokens
from app.accounts.revocation import Access
from app.errors import UnauthenticatedError, UnavailableError

End = Literal["draining", "unauthenticated"]


class Standing:
    """Of one stream or socket, opened with a token.

    The account is looked at every four seconds at most, and asked for twice a second: a stream ends within five
    seconds of its token, or of a change of role, password or active flag.
    """

    def __init__(self, tokens: Tokens, access: Access, draining: Callable[[], bool], token: str) -> None:
        self._tokens = tokens
        self._access = access
        self._draining = draining
        self._token = token

    async def end(self) -> End | None:
        """Why it must end now, if it must. A database that is gone is no reason."""
        if self._draining():
            return "draining"
        try:
            await self._access.check(self._tokens.read(self._token))
        except UnauthenticatedError:
            return "unauthenticated"
        except UnavailableError:
            return None
        return None
