"""Admission control: bounds the requests in progress in one process. docs/decisions/0021-overload.md.

What an event loop has begun shares its thread, so that each request more delays all others. Beyond the bound a request
is refused at once (app/server/shedding.py) instead of being answered when nobody waits for it any more.
"""

from collections.abc import Awaitable
from typing import Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.telemetry.metrics import HttpMetrics

READS: Final = frozenset({"GET", "HEAD", "OPTIONS"})


class Admission:
    """Counts requests in progress, up to `most`, and half of them writes.

    A write costs several reads, and may wait for a password's hash or a provider: writes alone never fill a process.
    """

    def __init__(self, most: int, metrics: HttpMetrics) -> None:
        self.most = most
        self._most_writes = max(1, most // 2)
        self._reads = self._writes = 0
        metrics.limit.set(most)

    @property
    def in_progress(self) -> int:
        return self._reads + self._writes

    def admits(self, method: str) -> bool:
        """Returns whether one more request with this method may start."""
        return self._reads + self._writes < self.most and (method in READS or self._writes < self._most_writes)

    def take(self, method: str) -> None:
        """Counts one as in progress."""
        self._count(method, 1)

    def release(self, method: str) -> None:
        """Counts one as no longer in progress."""
        self._count(method, -1)

    def _count(self, method: str, change: int) -> None:
        if method in READS:
            self._reads += change
        else:
            self._writes += change


class Slot:
    """One request on its way through the application, as an ASGI application around that one.

    It is in progress from when it has arrived whole, since a slow body needs no CPU, until its answer begins: event
    streams last, and an answer takes the time that its reader takes. Without an answer it is until its task ends, even
    if the client has left.
    """

    __slots__ = ("_admission", "_app", "_method", "_over", "_send", "_taken")

    def __init__(self, admission: Admission, app: ASGIApp, method: str) -> None:
        self._admission = admission
        self._app = app
        self._method = method
        self._taken = self._over = False
        self._send: Send

    def take(self) -> None:
        """Counts the request, unless it is counted or over."""
        if not self._taken and not self._over:
            self._taken = True
            self._admission.take(self._method)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self._send = send
        try:
            await self._app(scope, receive, self._sent)
        finally:
            self._release()

    def _sent(self, message: Message) -> Awaitable[None]:
        if not self._over:
            self._release()
        return self._send(message)

    def _release(self) -> None:
        if self._taken and not self._over:
            self._admission.release(self._method)
        self._over = True
