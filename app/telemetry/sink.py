"""Where log lines go: one JSON object a line on standard output, or a person's terminal."""

import json
import logging
import math
import threading
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import IO, TYPE_CHECKING, Any, Final

import orjson

from app.telemetry.output import LONGEST_LINE_BYTES, Output, Reason

if TYPE_CHECKING:
    from app.telemetry.metrics.logs import LogMetrics

_OPTIONS: Final = orjson.OPT_APPEND_NEWLINE | orjson.OPT_UTC_Z  # keys that are no strings: for those who have time
_CORE: Final = ("timestamp", "level", "event", "logger", "route", "status", "request_id", "trace_id", "span_id")
_SHORT: Final = 256
_DEEPEST: Final = 4
_MOST_UNCOUNTED: Final = 10_000


Line = Mapping[str, object]


class Sink:
    """Writes complete lines. What may be told is decided before, by whoever makes the line.

    `level` is the least severe level that is written, as `logging` counts; it changes while the process runs.
    """

    def __init__(self, stream: IO[str] | None, level: int, form: "Callable[[Line], bytes] | None" = None) -> None:
        self.level = level
        self._put = Output(stream).put
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
        if self._gap:
            self._tell_gap()
        reason = self._put(self._form(line))
        if reason is not None:
            self._lost(reason)

    debug = info = warning = error = critical = write  # what structlog calls with what its last processor gives

    def count_in(self, metrics: "LogMetrics") -> None:
        """Where losses are counted from now on, and those of before."""
        self._metrics = metrics
        for what, label in self._uncounted:
            metrics.count(what, label)
        self._uncounted.clear()

    def suppressed(self, level: str) -> None:
        """Counts a line that the flood guard has left out."""
        self._count("suppressed", level)

    def _lost(self, reason: Reason) -> None:
        with self._lock:
            self._gap += 1
        self._count("lost", reason)

    def _count(self, what: str, label: str) -> None:
        if self._metrics is not None:
            self._metrics.count(what, label)
        elif len(self._uncounted) < _MOST_UNCOUNTED:
            self._uncounted.append((what, label))

    def _tell_gap(self) -> None:
        with self._lock:
            line = {"timestamp": datetime.now(UTC), "level": "warning", "event": "log_lines_lost", "count": self._gap}
            if self._gap and self._put(self._form(line)) is None:
                self._gap = 0


def encoded(line: Mapping[str, object]) -> bytes:
    """The line as JSON, whatever its values are, and never longer than a pipe takes whole."""
    try:
        data = orjson.dumps(line, default=_told, option=_OPTIONS)
    except (TypeError, ValueError):  # a lone surrogate, a key that is no text, a number above 64 bits, a circle
        data = _patiently(_plain(line, 0))
    if len(data) <= LONGEST_LINE_BYTES:
        return data
    short = {name: _shortened(value) for name, value in line.items()} | {"cut": True}
    data = _patiently(_plain(short, 0))
    if len(data) > LONGEST_LINE_BYTES:
        data = _patiently(_plain({name: short[name] for name in _CORE if name in short} | {"cut": True}, 0))
    return data


def _patiently(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=True, allow_nan=False, separators=(",", ":")).encode() + b"\n"


def _told(value: object) -> str:
    try:
        return str(value)
    except Exception:  # noqa: BLE001 -- somebody else's __str__ must not end a line
        return f"<{type(value).__name__}>"


def _plain(value: object, depth: int) -> Any:
    """The value in what every JSON reader takes."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int):
        return int(value) if abs(value) < 1 << 53 else str(value) if abs(value) < 1 << 4096 else "<a huge number>"
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else None
    if isinstance(value, Mapping) and depth < _DEEPEST:
        return {str(_plain(key, _DEEPEST)): _plain(each, depth + 1) for key, each in list(value.items())[:64]}
    if isinstance(value, (list, tuple)) and depth < _DEEPEST:
        return [_plain(each, depth + 1) for each in value[:64]]
    text = value if isinstance(value, str) else _told(value)
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def _shortened(value: object) -> object:
    text = value if isinstance(value, str) else _told(value)
    if len(text) <= _SHORT:
        return value
    return f"{text[:_SHORT]}…"
