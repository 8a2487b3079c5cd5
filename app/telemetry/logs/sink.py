"""Sink of log lines: standard output, as JSON or as text for a terminal."""

import asyncio
import threading
from collections import Counter
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import IO, TYPE_CHECKING, Final

from app.telemetry.logs.json_lines import encoded
from app.telemetry.logs.output import MAX_LINE_BYTES, Output

if TYPE_CHECKING:
    from app.telemetry.metrics.logs import LogMetrics

BUFFER_SECONDS: Final = 0.01
Line = Mapping[str, object]


class Sink:
    """Writes complete lines; the caller has removed what must not be logged.

    `level` is the minimum level, as a number of `logging`; it can change while the process runs.
    """

    def __init__(self, stream: IO[str] | None, level: int, encode: Callable[[Line], bytes] | None = None) -> None:
        self.level = level
        self._output = Output(stream)
        self._uses_buffer = self._output.wakes_reader
        self._buffered: list[bytes] = []
        self._buffered_bytes = 0
        self._flush_scheduled = False
        self._lock = threading.RLock()
        self._encode = encode or encoded
        self._lost_lines = 0
        self._metrics: LogMetrics | None = None
        self._uncounted: Counter[tuple[str, str]] = Counter()

    def write(self, line: Line) -> None:
        """Writes one line that begins with `timestamp` (a datetime), `level` and `event`. Never raises."""
        data = self._encode(line)
        if self._buffered:
            self.flush()
        self._put(data)

    debug = info = warning = error = critical = write  # structlog calls these with the result of its last processor

    def write_soon(self, line: Line) -> None:
        """Writes one line within `BUFFER_SECONDS`, for access lines; call it in the event loop's thread.

        Waking the reader of a pipe costs more than building a line, so lines are buffered and written together.
        """
        if not self._uses_buffer:
            self.write(line)
            return
        data = self._encode(line)
        with self._lock:
            if self._buffered_bytes + len(data) > MAX_LINE_BYTES:
                self.flush()
            self._buffered.append(data)
            self._buffered_bytes += len(data)
        if not self._flush_scheduled:
            self._flush_scheduled = True
            asyncio.get_running_loop().call_later(BUFFER_SECONDS, self._due)

    def close(self) -> None:
        """Flushes the buffer. Later lines are written at once, since no event loop may be left to flush them."""
        self._uses_buffer = False
        self.flush()

    def flush(self) -> None:
        """Writes the buffered lines."""
        with self._lock:
            lines, self._buffered, self._buffered_bytes = self._buffered, [], 0
            if lines:
                self._put(b"".join(lines), len(lines))

    def count_in(self, metrics: "LogMetrics") -> None:
        """Counts losses in `metrics` from now on, and adds the losses so far."""
        self._metrics = metrics
        for (kind, label), lines in self._uncounted.items():
            metrics.count(kind, label, lines)
        self._uncounted.clear()

    def count(self, kind: str, label: str, lines: int = 1) -> None:
        """Counts lines that are not written: `suppressed`, by level, or `lost`, by reason."""
        if self._metrics is not None:
            self._metrics.count(kind, label, lines)
        else:
            self._uncounted[kind, label] += lines

    def _due(self) -> None:
        self._flush_scheduled = False
        self.flush()

    def _put(self, data: bytes, lines: int = 1) -> None:
        if self._lost_lines:
            self._report_lost()
        reason = self._output.put(data)
        if reason is not None:
            with self._lock:
                self._lost_lines += lines
            self.count("lost", reason, lines)

    def _report_lost(self) -> None:
        with self._lock:
            line = {
                "timestamp": datetime.now(UTC),
                "level": "warning",
                "event": "log_lines_lost",
                "count": self._lost_lines,
            }
            if self._lost_lines and self._output.put(self._encode(line)) is None:
                self._lost_lines = 0
