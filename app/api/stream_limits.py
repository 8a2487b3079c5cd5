"""Limits concurrent event streams and WebSockets, for an account, an order and a client address.

Each stream is authorised twice a second: a thousand of one account kept a replica busy. Counts are local, since the
limit protects this process.
"""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final, Literal

from starlette.requests import HTTPConnection

from app.accounts.login_limits import network
from app.errors import TooManyRequestsError
from app.settings import Settings
from app.telemetry.metrics import LimitMetrics

RETRY_SECONDS: Final = 30
By = Literal["account", "order", "address"]
_OF: Final[dict[By, str]] = {"account": "your account", "order": "this order", "address": "your address"}


class TooManyStreamsError(TooManyRequestsError):
    """The limit of open streams and sockets is reached."""

    code = "too_many_streams"

    def __init__(self, by: By) -> None:
        super().__init__(
            f"Too many event streams and WebSockets of {_OF[by]} are open; close one first.", retry_after=RETRY_SECONDS
        )


class StreamLimits:
    """Counts open streams and sockets. A limit of 0 is unlimited."""

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
        """Counts a stream under each key while it is open. Raises TooManyStreamsError, and counts nothing then."""
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
    """Returns the client address behind the trusted proxies, or its /64."""
    return network(connection.client.host if connection.client else "")
