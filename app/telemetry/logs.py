"""Logs: one JSON object a line on standard output, ours and third parties' in the same form.

Ours go from structlog straight to bytes; only third parties pass through the standard library.
"""

import json
import logging
import sys
from collections.abc import Callable, MutableMapping
from typing import Any

import orjson
import structlog

from app.telemetry import context

_QUIET = ("celery.redirected", "httpx2", "httpcore2", "alembic")


def configure(level: str, style: str) -> None:
    """Sets up this process's logs. `style` is `json`, or `console` for a person's terminal."""
    threshold = logging.getLevelNamesMapping()[level.upper()]
    renderer: Callable[..., Any] = _to_json
    factory: Callable[..., Any] = structlog.BytesLoggerFactory(sys.stdout.buffer)
    if style == "console":
        renderer = structlog.dev.ConsoleRenderer(colors=sys.stdout.isatty())
        factory = structlog.PrintLoggerFactory(sys.stdout)
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            _add_context,
            structlog.processors.TimeStamper(fmt="iso", utc=True, key="timestamp"),
            structlog.processors.format_exc_info,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(threshold),
        logger_factory=factory,
        cache_logger_on_first_use=False,
    )
    root = logging.getLogger()
    root.handlers[:] = [ThirdPartyHandler()]
    # A person reads what the shop does, not how its libraries start.
    root.setLevel(max(threshold, logging.WARNING if style == "console" else logging.INFO))
    for name in _QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)


class ThirdPartyHandler(logging.Handler):
    """Turns a record of the standard library into a line of ours."""

    def emit(self, record: logging.LogRecord) -> None:
        try:
            exception = {"exc_info": record.exc_info} if record.exc_info and record.exc_info[0] else {}
            structlog.get_logger().log(_level(record), record.getMessage(), logger=record.name, **exception)
        except Exception:  # noqa: BLE001 -- a log line must not stop the work it tells of
            self.handleError(record)


def _level(record: logging.LogRecord) -> int:
    """The nearest level below that we know: libraries make up their own."""
    return min(max(record.levelno // 10 * 10, logging.DEBUG), logging.CRITICAL)


def _add_context(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    work = context.current()
    if work is not None:
        event.setdefault("request_id", work.request_id)
        event.setdefault("trace_id", work.trace_id)
        event.setdefault("span_id", work.span_id)
        if work.user_id is not None:
            event.setdefault("user_id", work.user_id)
    return event


def _to_json(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> bytes:
    try:
        return orjson.dumps(event, default=str, option=orjson.OPT_NON_STR_KEYS)
    except TypeError:  # a lone surrogate or a number above 64 bits, which the standard library can write
        return json.dumps(event, default=str).encode()
