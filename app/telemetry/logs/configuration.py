"""Configuration of logs: level, format, and handlers of errors that nothing catches.

Our own events go from structlog directly to bytes; only third-party records pass through the standard library.
"""

import logging
import sys
import threading
import warnings
from types import TracebackType
from typing import Any, Final

import structlog

from app.telemetry.logs import console
from app.telemetry.logs.line_processor import Lines
from app.telemetry.logs.sink import Sink
from app.telemetry.logs.third_party import ThirdPartyHandler
from app.telemetry.metrics.logs import LogMetrics

LEVELS: Final = ("debug", "info", "warning", "error")
# Loggers that repeat what our own events say about each call, job and migration.
_QUIET_LOGGERS: Final = (
    "alembic",
    "celery.app.trace",
    "celery.redirected",
    "celery.worker.strategy",
    "httpcore2",
    "httpx2",
)


def configure(level: str, style: str) -> None:
    """Configures the logs of this process. `style` is `json`, or `console` for a terminal."""
    for_people = style == "console"
    sink = Sink(sys.stdout, logging.INFO, console.renderer(sys.stdout) if for_people else None)
    structlog.configure(
        processors=[Lines(sink, everything=for_people)],
        logger_factory=lambda *_names: sink,
        # Cached loggers would keep the old level after it changes.
        cache_logger_on_first_use=False,
    )
    logging.getLogger().handlers[:] = [ThirdPartyHandler(everything=for_people)]
    set_level(level)


def current_sink() -> Sink:
    """Returns the sink of this process, for callers that build complete lines themselves."""
    lines = _lines()
    return Sink(sys.stdout, logging.INFO) if lines is None else lines.sink


def set_level(level: str) -> None:
    """Sets the minimum level of log lines. At `debug`, libraries log their details as well."""
    threshold, lines = logging.getLevelNamesMapping()[level.upper()], _lines()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(threshold))
    if lines is None:
        return
    lines.sink.level = threshold
    # On a terminal, start-up messages of libraries would hide our own events.
    logging.getLogger().setLevel(max(threshold, logging.WARNING) if lines.everything else threshold)
    for name in _QUIET_LOGGERS:
        logging.getLogger(name).setLevel(logging.NOTSET if threshold == logging.DEBUG else logging.WARNING)


def count_in(metrics: LogMetrics) -> None:
    """Counts lost and suppressed lines of this process in `metrics`."""
    current_sink().count_in(metrics)


def flush() -> None:
    """Writes buffered lines and the pending summaries of suppressed lines, at the end of the process."""
    lines = _lines()
    if lines is not None:
        lines.flush()
        lines.sink.close()


def catch_all() -> None:
    """Logs warnings and uncaught errors as one line each: Python would print values, on several lines."""

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
    warnings.showwarning = warned  # type: ignore[assignment]  # the parameter names differ


def _lines() -> Lines | None:
    """Returns the processor of this process's lines, once logs are configured."""
    processor = structlog.get_config()["processors"][-1]
    return processor if isinstance(processor, Lines) else None
