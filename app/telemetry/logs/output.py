"""Standard output of logs: writes whole lines or none, waits for a bounded time and never raises."""

import fcntl
import os
import select
import stat
import time
import weakref
from contextlib import suppress
from typing import IO, Final, Literal

Reason = Literal["closed", "full"]

# POSIX: writes up to this size are atomic on a pipe, so that lines of several threads and processes do not mix.
MAX_LINE_BYTES: Final = 4096
WAIT_SECONDS: Final = 0.1
NO_WAIT_SECONDS: Final = 10.0
_PIPE_BYTES: Final = 1024 * 1024  # buffers some 3,000 lines for a slow reader; the default maximum of Linux


class Output:
    """Writes each line with one system call, or returns why it failed.

    Waits for a full pipe for `WAIT_SECONDS`, then does not wait again for `NO_WAIT_SECONDS`: losing log lines is better
    than slowing requests. `wakes_reader`: a write wakes the reader of a pipe, which costs more than building the line.
    """

    def __init__(self, stream: IO[str] | None) -> None:
        self._stream = stream
        self._number = _number(stream)
        self._wait_again_at = 0.0
        self._may_block = False
        self.wakes_reader = self._number is not None and _is_pipe(self._number)
        if self._number is not None:
            given, (self._number, self._may_block) = self._number, _non_blocking(self._number)
            if self._number != given:
                weakref.finalize(self, os.close, self._number)

    def put(self, line: bytes) -> Reason | None:
        """Writes one line with its newline, or several up to `MAX_LINE_BYTES`; returns None, or why they are lost.

        Never raises, and waits for a bounded time.
        """
        if self._number is None:
            return self._write_to_stream(line)
        try:
            if self._may_block and not self._is_writable(self._number):
                return "full"
            written = os.write(self._number, line)
            while written < len(line):  # files and terminals may write a part; a pipe does not
                written += os.write(self._number, line[written:])
        except BlockingIOError:
            return self._write_when_free(self._number, line)
        except (OSError, ValueError):
            return "closed"
        return None

    def _write_when_free(self, number: int, line: bytes) -> Reason | None:
        """Waits for a full pipe, then writes the line."""
        with suppress(OSError, ValueError):
            if self._is_writable(number):
                os.write(number, line)
                return None
        return "full"

    def _is_writable(self, number: int) -> bool:
        """Waits until the pipe is writable; returns False after the timeout."""
        if select.select([], [number], [], 0)[1]:
            return True
        now = time.monotonic()
        if now < self._wait_again_at:
            return False
        self._wait_again_at = now + NO_WAIT_SECONDS
        return bool(select.select([], [number], [], WAIT_SECONDS)[1])

    def _write_to_stream(self, line: bytes) -> Reason | None:
        """Writes to a stream without a file descriptor, as in tests, or to no stream at all."""
        try:
            buffer = getattr(self._stream, "buffer")  # noqa: B009 -- the stream may be None
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


def _non_blocking(number: int) -> tuple[int, bool]:
    """Opens a non-blocking descriptor; returns it, and whether writes to it may still block.

    Opens a pipe a second time where possible, since O_NONBLOCK on the inherited one would affect every process that
    shares it. Files do not block for long, and a terminal that is paused is meant to block.
    """
    with suppress(OSError):
        mode = os.fstat(number).st_mode
        if stat.S_ISFIFO(mode):
            with suppress(OSError, AttributeError):  # Linux only
                fcntl.fcntl(number, fcntl.F_SETPIPE_SZ, _PIPE_BYTES)
            with suppress(OSError):
                return os.open(f"/proc/self/fd/{number}", os.O_WRONLY | os.O_NONBLOCK | os.O_CLOEXEC), False
            return number, True
        return number, stat.S_ISSOCK(mode)
    return number, False
