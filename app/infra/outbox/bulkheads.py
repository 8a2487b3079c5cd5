"""Bulkheads: the topics of one dependency share a part of the worker's slots, so that it can't take all of them.

A slot is one of the WORKER_CONCURRENCY jobs that a worker does at once. A topic without a bulkhead takes any slot.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from typing import Final, Literal

from app.errors import UnavailableError
from app.infra.outbox.slots import Release, Slots
from app.infra.resilience.circuit_breaker import Breaker, BreakerOpenError

PATIENCE_SECONDS: Final = 0.5
POLL_SECONDS: Final = 0.01
FULL_SECONDS: Final = 1

Reason = Literal["breaker_open", "no_slot"]


class PostponedError(UnavailableError):
    """A job was not begun: its dependency is left alone, or has all the slots that it may have."""

    def __init__(self, message: str, *, reason: Reason, retry_after: int) -> None:
        super().__init__(message, retry_after=retry_after)
        self.reason: Reason = reason


class Bulkhead:
    """One dependency's circuit breaker, and its part of the slots.

    While jobs come and go, one waits a moment for a slot. Once that was in vain none waits, until one gets a slot at
    once: a dependency that hangs would otherwise hold the slots of those who wait for it too.
    """

    def __init__(self, breaker: Breaker, slots: Slots) -> None:
        self._breaker = breaker
        self._slots = slots
        self._patient = True

    async def enter(self) -> Release:
        """Takes a slot; the job gives it back by what is returned. Raises PostponedError."""
        try:
            self._breaker.check()
        except BreakerOpenError as error:
            raise PostponedError(str(error), reason="breaker_open", retry_after=error.retry_after) from error
        release = self._slots.take()
        if release is None and self._patient:
            release = await self._wait()
        self._patient = release is not None
        if release is None:
            message = "The other jobs of this dependency have all slots that it may have."
            raise PostponedError(message, reason="no_slot", retry_after=FULL_SECONDS)
        return release

    async def _wait(self) -> Release | None:
        until = time.monotonic() + PATIENCE_SECONDS
        release = None
        while release is None and time.monotonic() < until:
            # Who gives a slot back may be another process, which can't wake this one.
            await asyncio.sleep(POLL_SECONDS)
            release = self._slots.take()
        return release


class Bulkheads:
    """The bulkheads of one process, by topic."""

    def __init__(self, topics: Mapping[str, Bulkhead]) -> None:
        self._topics = topics

    @asynccontextmanager
    async def slot(self, topic: str) -> AsyncIterator[None]:
        """Around one job. Raises PostponedError instead of entering."""
        bulkhead = self._topics.get(topic)
        if bulkhead is None:
            yield
            return
        release = await bulkhead.enter()
        try:
            yield
        finally:
            release()


def shares(concurrency: int, targets: Iterable[str]) -> dict[str, int]:
    """Returns how many of a worker's slots each dependency may have: the first half of them, each other half the rest.

    From `len(targets) + 1` slots on, one stays free of all of them; with fewer each still has one.
    """
    left, result = concurrency, {}
    for target in targets:
        result[target] = max(1, left // 2)
        left -= result[target]
    return result
