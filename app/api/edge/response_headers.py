"""The headers of every answer that say how a browser and a cache may treat it."""

import time
from typing import Final

from starlette.types import Message, Scope

_PAIRS = list[tuple[bytes, bytes]]

# An API answers with data: nothing in it may load, run or be framed. The pages of /docs bring a policy of their own.
API_POLICY: Final = b"default-src 'none'; frame-ancestors 'none'"
_POLICY_NAME: Final = b"content-security-policy"
_CACHE_NAME: Final = b"cache-control"
_SNIFF_NAME: Final = b"x-content-type-options"
_TIME_NAME: Final = b"x-process-time"
_YEAR_SECONDS: Final = 31_536_000


class ResponseHeaders:
    """Appends them to the start of an answer, in one pass; what the endpoint has set stays."""

    def __init__(self, *, encrypted: bool) -> None:
        """`encrypted`: browsers are told to come by TLS alone from now on, so it must be true of the host for good."""
        self._always: _PAIRS = [(b"referrer-policy", b"no-referrer")]
        if encrypted:
            self._always.append((b"strict-transport-security", b"max-age=%d" % _YEAR_SECONDS))

    @property
    def of_refusals(self) -> _PAIRS:
        """Returns those of an answer that the server writes before the application is asked."""
        return [
            (_SNIFF_NAME, b"nosniff"),
            (_POLICY_NAME, API_POLICY),
            (_CACHE_NAME, b"no-store"),
            *self._always,
            (_TIME_NAME, b"0.000000"),
        ]

    def append(self, message: Message, scope: Scope, started: float) -> None:
        """`started` is on the clock of perf_counter. X-Process-Time is in seconds, until the answer begins."""
        headers: _PAIRS = message.setdefault("headers", [])
        present = dict(headers)
        if _SNIFF_NAME not in present:
            headers.append((_SNIFF_NAME, b"nosniff"))
        if _POLICY_NAME not in present:
            headers.append((_POLICY_NAME, API_POLICY))
        if _CACHE_NAME not in present and _is_private(scope):
            headers.append((_CACHE_NAME, b"no-store"))
        headers += self._always
        headers.append((_TIME_NAME, b"%.6f" % (time.perf_counter() - started)))


def _is_private(scope: Scope) -> bool:
    """An answer to credentials, or to something other than a read: a login sends its password in the body."""
    return scope["method"] not in ("GET", "HEAD") or b"authorization" in dict(scope["headers"])
