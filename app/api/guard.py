"""The outermost checks: a request names exactly one host, one that is ours, and announces no body above the limit."""

from collections.abc import Sequence
from http import HTTPStatus
from typing import Final

from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from app.api import problems

# Kubelets and monitors ask by address; these tell nothing that a host name should protect.
_OPERATIONS: Final = frozenset({"/livez", "/readyz", "/startupz", "/version"})


class HostGuard:
    """Refuses requests for other hosts. `allowed` holds names, `*.example.com` for all below, or `*` for any."""

    def __init__(self, app: ASGIApp, allowed: Sequence[str]) -> None:
        self._app = app
        self._any = "*" in allowed
        self._exact = {host.casefold() for host in allowed}
        self._suffixes = tuple(host[1:].casefold() for host in allowed if host.startswith("*."))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] in _OPERATIONS or self._knows(scope):
            await self._app(scope, receive, send)
            return
        detail = "The request must name exactly one Host, and one that this service serves."
        response = problems.answer(Request(scope), HTTPStatus.BAD_REQUEST, "unknown_host", detail)
        await response(scope, receive, send)

    def _knows(self, scope: Scope) -> bool:
        hosts = [value for name, value in scope["headers"] if name == b"host"]
        if len(hosts) != 1:
            return False
        if self._any:
            return True
        name = hosts[0].decode("latin-1").rsplit(":", 1)[0].casefold()
        return name in self._exact or name.endswith(self._suffixes)


class LengthGuard:
    """Refuses a body that is announced as larger than `largest` bytes, before any of it is read.

    The framework counts bodies that come without a length. One with a length it would refuse in plain text.
    """

    def __init__(self, app: ASGIApp, largest: int) -> None:
        self._app = app
        self._largest = largest

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or _length(scope) <= self._largest:
            await self._app(scope, receive, send)
            return
        detail = f"A body may have {self._largest} bytes at most."
        response = problems.answer(Request(scope), HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "content_too_large", detail)
        await response(scope, receive, send)


def _length(scope: Scope) -> int:
    given = next((value for name, value in scope["headers"] if name == b"content-length"), b"0")
    return int(given) if given.isdigit() else 0
