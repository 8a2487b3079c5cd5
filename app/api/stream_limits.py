"""Limits the event streams and WebSockets open at once, for one account, one order and one client address.

Each of them looks twice a second whether it must end: a thousand of one account kept a replica busy. The counts are
those of this process, since it is the process that they protect.
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
    """As many streams and sockets are open as may be."""

    code = "too_many_streams"

    def __init__(self, by: By) -> None:
        super().__init__(
            f"Too many event streams and WebSockets of {_OF[by]} are open; close one first.", retry_after=RETRY_SECONDS
        )


class StreamLimits:
    """Counts what is open. A limit of 0 is none."""

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
        """Counts one under each of the keys until it is over. Raises TooManyStreamsError and counts none then."""
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
                    del self._open[key]  # else each account that ever came would be remembered


def address_of(connection: HTTPConnection) -> str:
    """The client address behind the trusted proxies, or the /64 that it is in."""
    return network(connection.client.host if connection.client else "")
