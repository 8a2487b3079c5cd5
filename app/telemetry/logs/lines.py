"""Makes lines of what is logged: who it was for, what may be told of it, and not the same a thousand times."""

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
    """What makes two lines the same for throttling."""

    level: str
    event: str
    logger: str = ""
    error_type: str = ""
    error_place: str = ""


class Lines:
    """structlog's one processor.

    Lines of level warning and above, and all of third parties, are throttled; what the shop itself says of its
    orders and its requests is a record of each, and none is left out.
    """

    def __init__(self, sink: Sink, *, everything: bool = False, throttle: Throttle[Kind] | None = None) -> None:
        self._sink = sink
        self.everything = everything
        self._throttle: Throttle[Kind] = Throttle() if throttle is None else throttle  # an empty one is false
        self._lock = threading.RLock()
        self._throttling = False
        self._timer: threading.Timer | None = None

    def __call__(
        self, _logger: Any, level: str, event: MutableMapping[str, Any]
    ) -> tuple[tuple[dict[str, object]], dict[str, Any]]:
        """The line, as the sink takes it. Raises structlog.DropEvent when it is one of too many."""
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
            line["exception"] = exceptions.whole(error) if self.everything else exceptions.text(links)
            if level in ("error", "critical"):
                errors.report(error, links, line)
        if (level in _SEVERE or "logger" in line) and not self._passes(line):
            raise structlog.DropEvent
        return ((line,), {})

    def flush(self) -> None:
        """Tells what was left out and not told yet: at the end of the process."""
        with self._lock:
            self._tell(self._throttle.close(time.monotonic()))

    def _passes(self, line: Mapping[str, object]) -> bool:
        kind = Kind(*(str(line.get(name, "")) for name in Kind._fields))
        if kind.event == WITHHELD:
            kind = kind._replace(error_place=str(line.get("at", "")))
        with self._lock:
            if self._throttling:  # a collector of garbage logged in the middle of this
                return True
            self._throttling = True
            try:
                passes, summaries = self._throttle.admit(kind, time.monotonic())
            finally:
                self._throttling = False
            self._tell(summaries)
            if not passes:
                self._sink.suppressed(kind.level)
                self._watch()
        return passes

    def _watch(self) -> None:
        """Sees to it that the count is told, although no more lines of the kind may come."""
        if self._timer is None:
            self._timer = threading.Timer(self._throttle.seconds, self._due)
            self._timer.daemon = True
            self._timer.name = "log-throttle"
            self._timer.start()

    def _due(self) -> None:
        with self._lock:
            self._timer = None
            self._tell(self._throttle.expire(time.monotonic()))
            if self._throttle.has_suppressed:
                self._watch()

    def _tell(self, summaries: list[Suppressed[Kind]]) -> None:
        for summary in summaries:
            about = {name: value for name, value in summary.kind._asdict().items() if value}
            about["suppressed_event"] = about.pop("event")
            if "logger" in about:
                about["suppressed_logger"] = about.pop("logger")
            self._sink.write(
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
