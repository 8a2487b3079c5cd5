"""Open event streams and WebSockets: how many there may be, who has them, and until when they are authorised."""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final, Literal
from uuid import UUID

from starlette.requests import HTTPConnection

from app.accounts.access_tokens import Tokens
from app.accounts.login_limits import network
from app.accounts.revocation import Access
from app.errors import TooManyRequestsError, UnauthenticatedError, UnavailableError
from app.settings import Settings
from app.telemetry.metrics import LimitMetrics

RETRY_SECONDS: Final = 30
By = Literal["account", "order", "address"]
_OF: Final[dict[By, str]] = {"account": "your account", "order": "this order", "address": "your address"}
End = Literal["draining", "unauthenticated"]


class TooManyStreamsError(TooManyRequestsError):
    """The limit of open streams and sockets is reached."""

    code = "too_many_streams"

    def __init__(self, by: By) -> None:
        super().__init__(
            f"Too many event streams and WebSockets of {_OF[by]} are open; close one first.", retry_after=RETRY_SECONDS
        )


class StreamLimits:
    """Limits concurrent streams and sockets by account, order and client address. A limit of 0 is unlimited.

    Each stream is authorised twice a second, so a thousand streams of one account keep a replica busy. The counts are
    local to the process, which the limits protect.
    """

    def __init__(self, settings: Settings, metrics: LimitMetrics) -> None:
        self._limits: dict[By, int] = {
            "account": settings.streams_per_account,
            "order": settings.streams_per_order,
            "address": settings.streams_per_address,
        }
        self._open: Counter[tuple[By, str]] = Counter()
        self._allowed = metrics.decisions.labels("stream", "allowed")
        self._refused = metrics.decisions.labels("stream", "refused")

    @contextmanager
    def held(self, keys: dict[By, str]) -> Iterator[None]:
        """Counts a stream under each key while it is open. Raises TooManyStreamsError before it counts anything."""
        taken = list(keys.items())
        for key in taken:
            limit = self._limits[key[0]]
            if limit and self._open[key] >= limit:
                self._refused.inc()
                raise TooManyStreamsError(key[0])
        self._allowed.inc()
        self._open.update(taken)
        try:
            yield
        finally:
            self._open.subtract(taken)
            for key in taken:
                if not self._open[key]:
                    del self._open[key]  # bounds the memory


def address_of(connection: HTTPConnection) -> str:
    """Returns the IPv4 address, or the /64 network, of the client behind the trusted proxies."""
    return network(connection.client.host if connection.client else "")


class Standing:
    """Authorisation of one stream or socket, which outlives the request that opened it.

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


class Presence:
    """Counts an account's sockets in each room of this process, so that only the first and the last one are announced.

    An announcement is sent to every socket in the room. One announcement for each socket would be quadratic.
    """

    def __init__(self) -> None:
        self._sockets: Counter[tuple[UUID, UUID]] = Counter()

    def enter(self, order_id: UUID, account_id: UUID) -> bool:
        """Adds a socket. Returns whether it is the account's first in the room."""
        self._sockets[order_id, account_id] += 1
        return self._sockets[order_id, account_id] == 1

    def leave(self, order_id: UUID, account_id: UUID) -> bool:
        """Removes a socket. Returns whether it was the account's last in the room."""
        self._sockets[order_id, account_id] -= 1
        if self._sockets[order_id, account_id] > 0:
            return False
        del self._sockets[order_id, account_id]
        return True
