"""Limits concurrent event streams and WebSockets by account, order and client address.

Each stream is authorised twice a second, so a thousand streams of one account keep a replica busy. The counts are local
to the process, which the limits protect.
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
