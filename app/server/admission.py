"""Admission control: bounds the requests in progress in one process. docs/decisions/0021-overload.md.

Requests in progress share the thread of the event loop, so that each one delays all others. Beyond the limit, requests
are refused at once (app/server/shedding.py) instead of being answered after their clients have timed out.
"""

from collections.abc import Awaitable
from typing import Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.telemetry.metrics import HttpMetrics

READS: Final = frozenset({"GET", "HEAD", "OPTIONS"})


class Admission:
    """Counts requests in progress: up to `most`, of which half may be writes.

    A write costs as much as several reads, and may wait for a password hash or a provider. So writes alone never fill a
    process.
    """

    def __init__(self, most: int, metrics: HttpMetrics) -> None:
        self.most = most
        self.in_progress = 0
        self._most_writes = max(1, most // 2)
        self._writes = 0
        metrics.limit.set(most)

    def admits(self, method: str) -> bool:
        """Tests whether one more request with this method may start."""
        return self.in_progress < self.most and (method in READS or self._writes < self._most_writes)

    def take(self, method: str) -> None:
        """Adds a request to those in progress."""
        self.in_progress += 1
        self._writes += method not in READS

    def release(self, method: str) -> None:
        """Removes a request from those in progress."""
        self.in_progress -= 1
        self._writes -= method not in READS


class Slot:
    """ASGI application around the API for one request, which counts it while it is in progress.

    It is counted from the end of its body, since receiving a slow body needs no CPU, until its response begins, since
    streams and slow readers take long. Without a response it is counted until its task ends, even if the client has
    disconnected.
    """

    __slots__ = ("_admission", "_app", "_method", "_over", "_send", "_taken")

    def __init__(self, admission: Admission, app: ASGIApp, method: str) -> None:
        self._admission = admission
        self._app = app
        self._method = method
        self._taken = self._over = False
        self._send: Send

    def take(self) -> None:
        """Counts the request, unless it is counted already or finished."""
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
