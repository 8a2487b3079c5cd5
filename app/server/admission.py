"""Admission control: bounds the requests in progress in one process. docs/decisions/0021-overload.md.

What an event loop has begun shares its thread, so that each request more delays all others. Beyond the bound a request
is refused at once (app/server/shedding.py) instead of being answered when nobody waits for it any more.
"""

import time
from collections.abc import Awaitable, Callable
from typing import Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.telemetry.metrics import HttpMetrics

LEAST: Final = 8
START: Final = 64  # lists of 20 at once: some 100 ms of work
TARGET_SECONDS: Final = 0.005  # what a new request may wait for the loop on average, while the limit is needed
WINDOW_SECONDS: Final = 0.1
Clock = Callable[[], float]


class Admission:
    """Counts requests in progress, and adapts their limit to the delay before the loop starts one.

    A process that is short of CPU lets a new request wait, and its limit shrinks until it does not. One whose requests
    wait for a slow dependency has an idle loop, and its limit grows, up to `most`.
    """

    def __init__(self, most: int, metrics: HttpMetrics, clock: Clock = time.perf_counter) -> None:
        self.in_progress = 0
        self.clock = clock
        self._most = most
        self._least = min(LEAST, most)
        self._start = self._limit = min(START, most)
        self._metrics = metrics
        self._ends = clock() + WINDOW_SECONDS
        self._peak = self._starts = 0
        self._delays = 0.0
        metrics.limit.set(self._limit)

    @property
    def limit(self) -> int:
        """Requests that may be in progress now."""
        return self._limit

    @property
    def full(self) -> bool:
        """Whether one more would be too many."""
        return self.in_progress >= self._limit

    def take(self) -> None:
        """Counts one as in progress."""
        self.in_progress += 1
        self._peak = max(self._peak, self.in_progress)

    def release(self) -> None:
        """Counts one as no longer in progress."""
        self.in_progress -= 1

    def started(self, now: float, delay: float) -> None:
        """Records that the loop started a request `delay` seconds after it had arrived."""
        self._delays += delay
        self._starts += 1
        if now >= self._ends:
            self._adapt(self._delays / self._starts)
            self._ends = now + WINDOW_SECONDS
            self._peak, self._starts, self._delays = self.in_progress, 0, 0.0

    def _adapt(self, delay: float) -> None:
        limit = self._limit
        if delay > TARGET_SECONDS:
            if self._peak * 2 >= limit:  # else the loop was late for another reason, and fewer requests change nothing
                limit = max(self._least, int(limit * max(0.5, TARGET_SECONDS / delay)))
        elif self._peak >= limit:
            limit = min(self._most, limit + limit // 8 + 1)
        elif limit < self._start:
            limit += 1
        if limit != self._limit:
            self._limit = limit
            self._metrics.limit.set(limit)


class Slot:
    """One request on its way through the application, as an ASGI application around that one.

    It is in progress from when it has arrived whole, since a slow body needs no CPU, until its answer begins: event
    streams last, and an answer takes the time that its reader takes. Without an answer it is until its task ends, even
    if the client has left.
    """

    __slots__ = ("_admission", "_app", "_over", "_send", "_taken")

    def __init__(self, admission: Admission, app: ASGIApp) -> None:
        self._admission = admission
        self._app = app
        self._taken: float | None = None
        self._over = False
        self._send: Send

    def take(self) -> None:
        """Counts the request, unless it is counted or over."""
        if self._taken is None and not self._over:
            self._taken = self._admission.clock()
            self._admission.take()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self._taken is not None:
            now = self._admission.clock()
            self._admission.started(now, now - self._taken)
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
        if self._taken is not None and not self._over:
            self._admission.release()
        self._over = True
