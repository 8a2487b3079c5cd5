"""Standard output of logs: writes whole lines or none, waits for a bounded time and never raises."""

import fcntl
import os
import select
import stat
import time
import weakref
from contextlib import suppress
from typing import IO, Any, Final, Literal

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
        self._stream: Any = stream
        self._number: int | None = None
        self._wait_again_at = 0.0
        self._may_block = self.wakes_reader = False
        with suppress(AttributeError, OSError, ValueError):  # no stream, or one without a descriptor
            self._number = number = stream.fileno()  # type: ignore[union-attr]
            mode = os.fstat(number).st_mode
            self.wakes_reader = stat.S_ISFIFO(mode)
            # Files do not block for long, and a terminal that is paused is meant to block.
            self._may_block = self.wakes_reader or stat.S_ISSOCK(mode)
        if self.wakes_reader:
            with suppress(OSError, AttributeError):  # Linux only
                fcntl.fcntl(number, fcntl.F_SETPIPE_SZ, _PIPE_BYTES)
            # Opened a second time, since O_NONBLOCK on this descriptor would affect every process that shares it.
            with suppress(OSError):
                self._number = os.open(f"/proc/self/fd/{number}", os.O_WRONLY | os.O_NONBLOCK | os.O_CLOEXEC)
                self._may_block = False
                weakref.finalize(self, os.close, self._number)

    def put(self, line: bytes) -> Reason | None:
        """Writes one line with its newline, or several up to `MAX_LINE_BYTES`; returns None, or why they are lost.

        Never raises, and waits for a bounded time.
        """
        number = self._number
        try:
            if number is None:  # a stream without a descriptor, as in tests, or none at all
                self._stream.buffer.write(line)
                return None
            if self._may_block and not self._is_writable(number):
                return "full"
            written = os.write(number, line)
            while written < len(line):  # files and terminals may write a part; a pipe does not
                written += os.write(number, line[written:])
        except BlockingIOError:
            with suppress(OSError, ValueError):
                if number is not None and self._is_writable(number):
                    os.write(number, line)
                    return None
            return "full"
        except (AttributeError, OSError, ValueError):
            return "closed"
        return None

    def _is_writable(self, number: int) -> bool:
        """Waits until the pipe is writable; returns False after the timeout."""
        if select.select([], [number], [], 0)[1]:
            return True
        now = time.monotonic()
        if now < self._wait_again_at:
            return False
        self._wait_again_at = now + NO_WAIT_SECONDS
        return bool(select.select([], [number], [], WAIT_SECONDS)[1])
