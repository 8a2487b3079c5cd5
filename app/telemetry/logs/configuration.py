"""Logs: one JSON object a line on standard output, ours and third parties' in the same form.

Ours go from structlog straight to bytes; only third parties pass through the standard library.
"""

import logging
import sys
import threading
import warnings
from types import TracebackType
from typing import Any, Final

import structlog

from app.telemetry.logs import console
from app.telemetry.logs.lines import Lines
from app.telemetry.logs.sink import Sink
from app.telemetry.logs.third_party import ThirdPartyHandler
from app.telemetry.metrics.logs import LogMetrics

LEVELS: Final = ("debug", "info", "warning", "error")
# What each call, each job and each migration is told by in a library's words: ours are there too.
_QUIET: Final = ("alembic", "celery.app.trace", "celery.redirected", "celery.worker.strategy", "httpcore2", "httpx2")


def configure(level: str, style: str) -> None:
    """Sets up this process's logs. `style` is `json`, or `console` for a person's terminal."""
    for_people = style == "console"
    sink = Sink(sys.stdout, _number(level), console.renderer(sys.stdout) if for_people else None)
    lines = Lines(sink, everything=for_people)
    structlog.configure(
        processors=[lines],
        logger_factory=_Factory(sink, lines),
        # Not kept by those who log, so that a level that changes reaches them all.
        cache_logger_on_first_use=False,
    )
    logging.getLogger().handlers[:] = [ThirdPartyHandler(everything=for_people)]
    set_level(level)


def current_sink() -> Sink:
    """Where the lines of this process go: for whoever makes complete ones, and can't afford more."""
    factory = structlog.get_config()["logger_factory"]
    return factory.sink if isinstance(factory, _Factory) else Sink(sys.stdout, logging.INFO)


def set_level(level: str) -> None:
    """From now on nothing less severe is logged. At `debug` libraries tell their details as well."""
    threshold = _number(level)
    factory = structlog.get_config()["logger_factory"]
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(threshold))
    if not isinstance(factory, _Factory):
        return
    factory.sink.level = threshold
    # A person reads what the shop does, not how its libraries start.
    logging.getLogger().setLevel(max(threshold, logging.WARNING) if factory.for_people else threshold)
    for name in _QUIET:
        logging.getLogger(name).setLevel(logging.NOTSET if threshold == logging.DEBUG else logging.WARNING)


def count_in(metrics: LogMetrics) -> None:
    """Counts what this process's logs lose."""
    current_sink().count_in(metrics)


def flush() -> None:
    """Writes what is still held, and logs the counts of suppressed lines: last of all."""
    factory = structlog.get_config()["logger_factory"]
    if isinstance(factory, _Factory):
        factory.lines.flush()
        factory.sink.close()


def catch_all() -> None:
    """Has warnings, and what nobody caught, told as a line too: Python itself would tell values, on several lines."""

    def uncaught(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        if issubclass(kind, KeyboardInterrupt):
            sys.__excepthook__(kind, error, trace)
            return
        structlog.get_logger().critical("process_failed", exc_info=error.with_traceback(trace))

    def in_thread(failed: threading.ExceptHookArgs) -> None:
        if failed.exc_value is not None:
            structlog.get_logger().error("thread_failed", exc_info=failed.exc_value)

    def unraisable(failed: "sys.UnraisableHookArgs") -> None:
        structlog.get_logger().error("error_not_raised", exc_info=failed.exc_value)

    def warned(_message: Warning | str, kind: type[Warning], file: str, line: int, *_where: Any) -> None:
        name = next((name for name, module in sys.modules.items() if getattr(module, "__file__", None) == file), "")
        structlog.get_logger().warning("python_warning", reason=kind.__name__, at=f"{name}:{line}")

    sys.excepthook, threading.excepthook, sys.unraisablehook = uncaught, in_thread, unraisable
    warnings.showwarning = warned  # type: ignore[assignment]  # of all arguments it is the names that differ


class _Factory:
    """What structlog asks for the logger below its own: the sink."""

    def __init__(self, sink: Sink, lines: Lines) -> None:
        self.sink = sink
        self.lines = lines
        self.for_people = lines.everything

    def __call__(self, *_names: Any) -> Sink:
        return self.sink


def _number(level: str) -> int:
    return logging.getLevelNamesMapping()[level.upper()]
