"""Bulkheads: the topics of one dependency share some of the worker's slots, so that it can't occupy all of them.

A slot is one of the WORKER_CONCURRENCY jobs that a worker runs at once. A topic without a bulkhead takes any slot.
"""

import asyncio
import fcntl
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Final, Literal, Protocol

from app.errors import UnavailableError
from app.infra.resilience.circuit_breaker import Breaker, BreakerOpenError

WAIT_SECONDS: Final = 0.5
POLL_SECONDS: Final = 0.01
FULL_SECONDS: Final = 1

Reason = Literal["breaker_open", "no_slot"]
Release = Callable[[], None]


class PostponedError(UnavailableError):
    """A job was not started: its dependency's breaker is open, or all its slots are taken."""

    def __init__(self, message: str, *, reason: Reason, retry_after: int) -> None:
        super().__init__(message, retry_after=retry_after)
        self.reason: Reason = reason


class Slots(Protocol):
    """A number of slots, each taken by one job at a time."""

    def take(self) -> Release | None:
        """Takes a slot without waiting. Returns the function that releases it, or None when all are taken."""


@dataclass(slots=True)
class LocalSlots:
    """Slots of one process, whose jobs share an event loop."""

    free: int

    def take(self) -> Release | None:
        if self.free == 0:
            return None
        self.free -= 1
        return self._release

    def _release(self) -> None:
        self.free += 1


class SharedSlots:
    """Slots shared by the processes that are forked from this one; each process takes at most one of them.

    A slot is a lock on one byte of a file, from `first` on, which the kernel releases when a process dies.
    """

    def __init__(self, file: int, first: int, count: int) -> None:
        self._file = file
        self._bytes = range(first, first + count)

    def take(self) -> Release | None:
        for byte in self._bytes:
            with suppress(BlockingIOError, PermissionError):  # POSIX allows either
                fcntl.lockf(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, byte)
                return partial(fcntl.lockf, self._file, fcntl.LOCK_UN, 1, byte)
        return None


@dataclass(slots=True)
class Bulkhead:
    """Circuit breaker and slots of one dependency.

    A job waits a moment for a slot. After a wait in vain no job waits until one gets a slot at once: else jobs that
    wait for a hanging dependency would occupy the slots of others.
    """

    breaker: Breaker
    slots: Slots
    _patient: bool = field(default=True, init=False)

    @asynccontextmanager
    async def slot(self) -> AsyncIterator[None]:
        """Holds a slot for one job. Raises PostponedError instead of entering."""
        release = await self.enter()
        try:
            yield
        finally:
            release()

    async def enter(self) -> Release:
        """Takes a slot and returns the function that releases it. Raises PostponedError."""
        try:
            self.breaker.check()
        except BreakerOpenError as error:
            raise PostponedError(str(error), reason="breaker_open", retry_after=error.retry_after) from error
        release = self.slots.take()
        if release is None and self._patient:
            release = await self._wait()
        self._patient = release is not None
        if release is None:
            message = "The other jobs of this dependency have all slots that it may have."
            raise PostponedError(message, reason="no_slot", retry_after=FULL_SECONDS)
        return release

    async def _wait(self) -> Release | None:
        until = time.monotonic() + WAIT_SECONDS
        release = None
        while release is None and time.monotonic() < until:
            # Another process may release a slot, and can't wake this one.
            await asyncio.sleep(POLL_SECONDS)
            release = self.slots.take()
        return release


def shares(concurrency: int, targets: Iterable[str]) -> dict[str, int]:
    """Returns the number of slots for each dependency: half of them for the first, half of the rest for the next one.

    From `len(targets) + 1` slots on, one stays free of all of them; with fewer each still has one.
    """
    left, result = concurrency, {}
    for target in targets:
        result[target] = max(1, left // 2)
        left -= result[target]
    return result


def local_slots(shares: Mapping[str, int]) -> dict[str, Slots]:
    """Returns slots of this process alone."""
    return {target: LocalSlots(count) for target, count in shares.items()}


def forked_slots(shares: Mapping[str, int]) -> dict[str, Slots]:
    """Returns slots that all processes share which are forked afterwards."""
    file, path = tempfile.mkstemp()  # open as long as the process, without a name
    Path(path).unlink()
    first, result = 0, dict[str, Slots]()
    for target, count in shares.items():
        result[target] = SharedSlots(file, first, count)
        first += count
    return result
