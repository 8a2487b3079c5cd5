"""Log lines of libraries: the constant text from their source, with numbers filled in.

A library may put personal data into a message: a URL with its query, a header, a row. Constant text from its source
holds none. So a template is logged if it is among the constants of the code that logs it, with numbers filled in and
`…` for every other argument. Any other message is withheld, and the line names the place in the library's source.
"""

import logging
import sys
import traceback
from collections.abc import Mapping
from itertools import dropwhile, islice
from typing import TYPE_CHECKING, Any, Final

import structlog

from app.telemetry.logs.line_processor import WITHHELD

if TYPE_CHECKING:
    from types import FrameType

_MAX_NUMBER: Final = 10**12  # card numbers have at least 13 digits
_CALLERS: Final = 8
_MAX_LENGTH: Final = 200
# Loggers that start and stop processes, and never handle data of a request or a job.
_NO_PERSONAL_DATA: Final = frozenset({"gunicorn.arbiter"})
# asyncio builds messages with data after the first line, which is one of these.
_ASYNCIO_MESSAGES: Final = frozenset(
    {
        "Task exception was never retrieved",
        "Future exception was never retrieved",
        "Task was destroyed but it is pending!",
        "Exception in callback",
        "unhandled exception during asyncio.run() shutdown",
        "an error occurred during closing of asynchronous generator",
    }
)


class ThirdPartyHandler(logging.Handler):
    """Logs records of the standard library as our own lines; with `everything`, without redaction."""

    def __init__(self, *, everything: bool) -> None:
        super().__init__()
        self._everything = everything

    def emit(self, record: logging.LogRecord) -> None:
        about: dict[str, Any] = {"logger": record.name}
        if record.exc_info and record.exc_info[0]:
            about["exc_info"] = record.exc_info
        callers = callers_of(record)
        try:
            event = record.getMessage() if self._everything else message(record, callers)
        except Exception:  # noqa: BLE001 -- arguments that do not match the template must not fail the caller
            event = None
        if event is None:
            about["at"] = _place(record, callers)
        standard_level = min(max(record.levelno // 10 * 10, logging.DEBUG), logging.CRITICAL)
        structlog.get_logger().log(standard_level, event or WITHHELD, **about)


class _Hidden:
    def __str__(self) -> str:
        return "…"

    __repr__ = __str__


_HIDDEN: Final = _Hidden()


def message(record: logging.LogRecord, callers: list["FrameType"]) -> str | None:
    """Returns the redacted message of a record that these callers logged, or None if it must be withheld."""
    template = record.msg
    if not isinstance(template, str):
        return None
    # Only its two innermost callers count: the arbiter is in the call stack of every worker and of all it logs.
    if any(frame.f_globals.get("__name__") in _NO_PERSONAL_DATA for frame in callers[:2]):
        return record.getMessage().strip()[:_MAX_LENGTH]
    if not any(_in_source(template, frame) for frame in callers):
        first = template.partition("\n")[0]
        return first if first in _ASYNCIO_MESSAGES else None
    return _filled(template, record.args).strip()[:_MAX_LENGTH]


def callers_of(record: logging.LogRecord) -> list["FrameType"]:
    """Returns the frame that logs a record and its callers, innermost first. Call it in the thread that logs."""
    place = (record.pathname, record.funcName)
    frames = (frame for frame, _ in traceback.walk_stack(sys._getframe(1)))  # noqa: SLF001 -- as `logging` does
    callers = dropwhile(lambda frame: (frame.f_code.co_filename, frame.f_code.co_name) != place, frames)
    return list(islice(callers, _CALLERS))


def _filled(template: str, arguments: Any) -> str:
    if not arguments:
        return template
    try:
        if isinstance(arguments, Mapping):
            return template % {name: _shown(value) for name, value in arguments.items()}
        return template % tuple(map(_shown, arguments))
    except (TypeError, ValueError, KeyError):  # `%d` of a hidden value
        return template


def _shown(value: object) -> object:
    if value is None or (isinstance(value, (int, float)) and abs(value) < _MAX_NUMBER):
        return value
    return type(value).__name__ if isinstance(value, BaseException) else _HIDDEN


def _in_source(template: str, frame: "FrameType") -> bool:
    """Checks that the template is a constant of the code or of its module."""
    if template in frame.f_code.co_consts:
        return True
    return any(value is template for name, value in frame.f_globals.items() if name.isupper())


def _place(record: logging.LogRecord, callers: list["FrameType"]) -> str:
    """Names the places in source where a withheld message can be read: the logging function and its caller."""
    places = [
        f"{frame.f_globals.get('__name__', '?')}:{frame.f_lineno} {frame.f_code.co_name}" for frame in callers[:2]
    ]
    return ", ".join(places) or f"{record.module}:{record.lineno} {record.funcName}"
