"""Builds log lines: adds the context, removes fields that are not allowed, and throttles repeated lines."""

import sys
import threading
import time
from collections.abc import Mapping, MutableMapping
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple

import structlog

from app.telemetry import context, errors
from app.telemetry.errors import exceptions
from app.telemetry.logs import fields
from app.telemetry.logs.sink import Sink
from app.telemetry.throttling import Suppressed, Throttle

WITHHELD: Final = "message_withheld"
_SEVERE: Final = ("warning", "error", "critical")


class Kind(NamedTuple):
    """Key by which log throttling treats two lines as equal."""

    level: str
    event: str
    logger: str = ""
    error_type: str = ""
    error_place: str = ""


class Lines:
    """The only structlog processor.

    Throttles lines of level warning and above, and all lines of third parties. Our own info lines are records of single
    orders and requests, so none of them is suppressed.
    """

    def __init__(self, sink: Sink, *, everything: bool = False, throttle: Throttle[Kind] | None = None) -> None:
        self.sink = sink
        self.everything = everything
        self._throttle: Throttle[Kind] = Throttle() if throttle is None else throttle  # an empty one is false
        self._lock = threading.RLock()
        self._throttling = False
        self._timer: threading.Timer | None = None

    def __call__(
        self, _logger: Any, level: str, event: MutableMapping[str, Any]
    ) -> tuple[tuple[dict[str, object]], dict[str, Any]]:
        """Builds the line for the sink. Raises structlog.DropEvent if it is suppressed."""
        error = _error(event.pop("exc_info", None))
        line: dict[str, object] = {"timestamp": datetime.now(UTC), "level": level, "event": event.pop("event")}
        if self.everything:
            line.update(event)
        else:
            if not fields.EVENT.fullmatch(str(line["event"])) and "logger" not in event:
                line["event"] = WITHHELD
            line.update(fields.allowed(event))
        _add_context(line)
        if error is not None:
            links = exceptions.chain(error)
            line["error_type"], line["error_place"] = links[0].name, exceptions.place(links)
            line["exception"] = exceptions.full_traceback(error) if self.everything else exceptions.text(links)
            if level in ("error", "critical"):
                errors.report(error, links, line)
        if (level in _SEVERE or "logger" in line) and not self._passes(line):
            raise structlog.DropEvent
        return ((line,), {})

    def flush(self) -> None:
        """Writes all pending summaries of suppressed lines, at the end of the process."""
        with self._lock:
            self._write_summaries(self._throttle.close(time.monotonic()))

    def _passes(self, line: Mapping[str, object]) -> bool:
        kind = Kind(*(str(line.get(name, "")) for name in Kind._fields))
        if kind.event == WITHHELD:
            kind = kind._replace(error_place=str(line.get("at", "")))
        with self._lock:
            if self._throttling:  # a destructor logged while the lock was held
                return True
            self._throttling = True
            try:
                passes, summaries = self._throttle.admit(kind, time.monotonic())
            finally:
                self._throttling = False
            self._write_summaries(summaries)
            if not passes:
                self.sink.count("suppressed", kind.level)
                self._start_timer()
        return passes

    def _start_timer(self) -> None:
        """Starts a timer for the summary, since no further line of the kind may come."""
        if self._timer is None:
            self._timer = threading.Timer(self._throttle.seconds, self._due)
            self._timer.name, self._timer.daemon = "log-throttle", True
            self._timer.start()

    def _due(self) -> None:
        with self._lock:
            self._timer = None
            self._write_summaries(self._throttle.expire(time.monotonic()))
            if self._throttle.has_suppressed:
                self._start_timer()

    def _write_summaries(self, summaries: list[Suppressed[Kind]]) -> None:
        for summary in summaries:
            about = {name: value for name, value in summary.kind._asdict().items() if value}
            about["suppressed_event"] = about.pop("event")
            if "logger" in about:
                about["suppressed_logger"] = about.pop("logger")
            self.sink.write(
                {
                    "timestamp": datetime.now(UTC),
                    "level": about.pop("level"),
                    "event": "log_lines_suppressed",
                    "count": summary.count,
                    "seconds": round(summary.seconds, 3),
                    **about,
                }
            )


def _error(given: object) -> BaseException | None:
    if isinstance(given, BaseException):
        return given
    if isinstance(given, tuple):
        return given[1] if len(given) == 3 and isinstance(given[1], BaseException) else None  # noqa: PLR2004
    return sys.exc_info()[1] if given else None


def _add_context(line: dict[str, object]) -> None:
    work = context.current()
    if work is None:
        return
    line.setdefault("request_id", work.request_id)
    line.setdefault("trace_id", work.trace_id)
    line.setdefault("span_id", work.span_id)
    if work.user_id is not None:
        line.setdefault("user_id", work.user_id)
