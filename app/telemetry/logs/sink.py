"""Where log lines go: one JSON object a line on standard output, or a person's terminal."""

import asyncio
import logging
import threading
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import IO, TYPE_CHECKING, Final

from app.telemetry.logs.json_lines import encoded
from app.telemetry.logs.output import LONGEST_LINE_BYTES, Output, Reason

if TYPE_CHECKING:
    from app.telemetry.metrics.logs import LogMetrics

_MOST_UNCOUNTED: Final = 10_000
GATHER_SECONDS: Final = 0.01


Line = Mapping[str, object]


class Sink:
    """Writes complete lines. What may be told is decided before, by whoever makes the line.

    `level` is the least severe level that is written, as `logging` counts; it changes while the process runs.
    """

    def __init__(self, stream: IO[str] | None, level: int, form: "Callable[[Line], bytes] | None" = None) -> None:
        self.level = level
        self._output = Output(stream)
        self._gathers = self._output.wakes_reader
        self._gathered: list[bytes] = []
        self._gathered_bytes = 0
        self._gathering = False
        self._lock = threading.RLock()
        self._form = form or encoded
        self._gap = 0
        self._metrics: LogMetrics | None = None
        self._uncounted: list[tuple[str, str]] = []

    @property
    def tells_access(self) -> bool:
        """Whether the line of each request is wanted."""
        return self.level <= logging.INFO

    def write(self, line: Line) -> None:
        """Writes one line. `timestamp` (a datetime), `level` and `event` come first; never raises."""
        data = self._form(line)
        if self._gathered:
            self.flush()
        self._put(data)

    debug = info = warning = error = critical = write  # what structlog calls with what its last processor gives

    def write_soon(self, line: Line) -> None:
        """The same within `GATHER_SECONDS`, for what each request says; of the event loop's own thread.

        To wake whoever reads a pipe costs more than all else about a line: those of a moment leave together.
        """
        if not self._gathers:
            self.write(line)
            return
        data = self._form(line)
        with self._lock:
            if self._gathered_bytes + len(data) > LONGEST_LINE_BYTES:
                self.flush()
            self._gathered.append(data)
            self._gathered_bytes += len(data)
        if not self._gathering:
            self._gathering = True
            asyncio.get_running_loop().call_later(GATHER_SECONDS, self._due)

    def close(self) -> None:
        """Writes what was gathered. What comes all the same leaves at once, since nobody may be left to see to it."""
        self._gathers = False
        self.flush()

    def flush(self) -> None:
        """Writes what was gathered."""
        with self._lock:
            lines, self._gathered, self._gathered_bytes = self._gathered, [], 0
            if lines:
                self._put(b"".join(lines), len(lines))

    def count_in(self, metrics: "LogMetrics") -> None:
        """Where losses are counted from now on, and those of before."""
        self._metrics = metrics
        for what, label in self._uncounted:
            metrics.count(what, label)
        self._uncounted.clear()

    def suppressed(self, level: str) -> None:
        """Counts a line that throttling suppressed."""
        self._count("suppressed", level)

    def _due(self) -> None:
        self._gathering = False
        self.flush()

    def _put(self, data: bytes, lines: int = 1) -> None:
        if self._gap:
            self._tell_gap()
        reason = self._output.put(data)
        if reason is not None:
            self._lost(reason, lines)

    def _lost(self, reason: Reason, lines: int) -> None:
        with self._lock:
            self._gap += lines
        for _ in range(lines):
            self._count("lost", reason)

    def _count(self, what: str, label: str) -> None:
        if self._metrics is not None:
            self._metrics.count(what, label)
        elif len(self._uncounted) < _MOST_UNCOUNTED:
            self._uncounted.append((what, label))

    def _tell_gap(self) -> None:
        with self._lock:
            line = {"timestamp": datetime.now(UTC), "level": "warning", "event": "log_lines_lost", "count": self._gap}
            if self._gap and self._output.put(self._form(line)) is None:
                self._gap = 0
