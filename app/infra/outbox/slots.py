"""Slots of a worker, counted in one process or shared by a pool of processes."""

import fcntl
import tempfile
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Final, Protocol

Release = Callable[[], None]
_BYTE: Final = 1


class Slots(Protocol):
    """A number of slots, each taken by one job at a time."""

    def take(self) -> Release | None:
        """Takes a slot without waiting. Returns the function that releases it, or None when all are taken."""


class LocalSlots:
    """Slots of one process, whose jobs share an event loop."""

    def __init__(self, count: int) -> None:
        self._free = count

    def take(self) -> Release | None:
        if self._free == 0:
            return None
        self._free -= 1
        return self._release

    def _release(self) -> None:
        self._free += 1


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
                fcntl.lockf(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB, _BYTE, byte)
                return partial(fcntl.lockf, self._file, fcntl.LOCK_UN, _BYTE, byte)
        return None


def local(shares: Mapping[str, int]) -> dict[str, Slots]:
    """Returns slots of this process alone."""
    return {target: LocalSlots(count) for target, count in shares.items()}


def shared(shares: Mapping[str, int]) -> dict[str, Slots]:
    """Returns slots that all processes share which are forked afterwards."""
    file, path = tempfile.mkstemp()  # open as long as the process, without a name
    Path(path).unlink()
    first, result = 0, dict[str, Slots]()
    for target, count in shares.items():
        result[target] = SharedSlots(file, first, count)
        first += count
    return result
