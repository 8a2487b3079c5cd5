"""Security and caching headers of every response."""

import time
from typing import Final

from starlette.types import Message, Scope

_PAIRS = list[tuple[bytes, bytes]]

# Responses are data, so a browser may not load, run or frame anything in them. The pages of /docs set their own policy.
API_POLICY: Final = b"default-src 'none'; frame-ancestors 'none'"
_DEFAULTS: Final = ((b"x-content-type-options", b"nosniff"), (b"content-security-policy", API_POLICY))
_PRIVATE: Final = (b"cache-control", b"no-store")
_TIME_NAME: Final = b"x-process-time"
_YEAR_SECONDS: Final = 31_536_000


class ResponseHeaders:
    """Appends the headers in one pass; keeps those that the endpoint has set."""

    def __init__(self, *, encrypted: bool) -> None:
        """Adds HSTS if `encrypted`, so that browsers use only TLS from then on."""
        self._always: _PAIRS = [(b"referrer-policy", b"no-referrer")]
        if encrypted:
            self._always.append((b"strict-transport-security", b"max-age=%d" % _YEAR_SECONDS))

    @property
    def of_refusals(self) -> _PAIRS:
        """Returns the headers of responses that the server writes before it calls the application."""
        return [*_DEFAULTS, _PRIVATE, *self._always, (_TIME_NAME, b"0.000000")]

    def append(self, message: Message, scope: Scope, started: float) -> None:
        """Adds headers to the start of a response; `started` is a time of perf_counter."""
        headers: _PAIRS = message.setdefault("headers", [])
        present = dict(headers)
        headers += [default for default in _DEFAULTS if default[0] not in present]
        if _PRIVATE[0] not in present and _is_private(scope):
            headers.append(_PRIVATE)
        headers += self._always
        headers.append((_TIME_NAME, b"%.6f" % (time.perf_counter() - started)))


def _is_private(scope: Scope) -> bool:
    """Tests for credentials, or for a method other than a read: a login sends its password in the body."""
    return scope["method"] not in ("GET", "HEAD") or b"authorization" in dict(scope["headers"])
