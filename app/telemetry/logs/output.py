"""Standard output as logs need it: a line arrives whole or not at all, and nobody waits or fails for it."""

import fcntl
import os
import select
import stat
import time
import weakref
from contextlib import suppress
from typing import IO, Final, Literal

Reason = Literal["closed", "full"]

# POSIX: a pipe takes so much at once, so that the lines of several threads and processes don't mix.
LONGEST_LINE_BYTES: Final = 4096
PATIENCE_SECONDS: Final = 0.1
IMPATIENT_SECONDS: Final = 10.0
_PIPE_BYTES: Final = 1024 * 1024  # some 3,000 lines of slack for whoever reads; as much as Linux gives to anybody


class Output:
    """Writes each line with one call, or says why it could not.

    Whoever reads the pipe may be slow or stuck: a full one is waited for, for `PATIENCE_SECONDS` at most, and then not
    again for `IMPATIENT_SECONDS`. The service comes before its log. `wakes_reader` says that a write does, at the price
    of several lines.
    """

    def __init__(self, stream: IO[str] | None) -> None:
        self._stream = stream
        self._number = _number(stream)
        self._patient_at = 0.0
        self._may_block = False
        self.wakes_reader = self._number is not None and _is_pipe(self._number)
        if self._number is not None:
            given, (self._number, self._may_block) = self._number, _never_blocking(self._number)
            if self._number != given:
                weakref.finalize(self, os.close, self._number)

    def put(self, line: bytes) -> Reason | None:
        """One line with its end, or some that are no longer together; None, or why it is lost.

        Never raises, and waits for a bounded time.
        """
        if self._number is None:
            return self._into_stream(line)
        try:
            if self._may_block and not self._takes(self._number):
                return "full"
            written = os.write(self._number, line)
            while written < len(line):  # a file or a terminal may take a part; a pipe never does
                written += os.write(self._number, line[written:])
        except BlockingIOError:
            return self._again(self._number, line)
        except (OSError, ValueError):
            return "closed"
        return None

    def _again(self, number: int, line: bytes) -> Reason | None:
        """The pipe is full."""
        with suppress(OSError, ValueError):
            if self._takes(number):
                os.write(number, line)
                return None
        return "full"

    def _takes(self, number: int) -> bool:
        """Whether there is room, or will be soon."""
        if select.select([], [number], [], 0)[1]:
            return True
        now = time.monotonic()
        if now < self._patient_at:
            return False
        self._patient_at = now + IMPATIENT_SECONDS
        return bool(select.select([], [number], [], PATIENCE_SECONDS)[1])

    def _into_stream(self, line: bytes) -> Reason | None:
        """What is no file: the recorder of a test, or nothing at all."""
        try:
            buffer = getattr(self._stream, "buffer")  # noqa: B009 -- None has none, and that is one of the cases
            buffer.write(line)
        except (AttributeError, OSError, ValueError):
            return "closed"
        return None


def _number(stream: IO[str] | None) -> int | None:
    try:
        return stream.fileno() if stream is not None else None
    except (AttributeError, OSError, ValueError):
        return None


def _is_pipe(number: int) -> bool:
    try:
        return stat.S_ISFIFO(os.fstat(number).st_mode)
    except OSError:
        return False


def _never_blocking(number: int) -> tuple[int, bool]:
    """The descriptor to write to, and whether a write to it may block all the same.

    A pipe is opened a second time where that is allowed: to set the first one's flag would set it for everybody who
    has inherited it. Files don't block for long, and at a terminal the person who stops it wants it stopped.
    """
    with suppress(OSError):
        mode = os.fstat(number).st_mode
        if stat.S_ISFIFO(mode):
            with suppress(OSError, AttributeError):  # Linux alone has it
                fcntl.fcntl(number, fcntl.F_SETPIPE_SZ, _PIPE_BYTES)
            with suppress(OSError):
                return os.open(f"/proc/self/fd/{number}", os.O_WRONLY | os.O_NONBLOCK | os.O_CLOEXEC), False
            return number, True
        return number, stat.S_ISSOCK(mode)
    return number, False
