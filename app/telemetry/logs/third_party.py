"""Lines of other people's code: the words that stand in its source, and the numbers in them.

A library may put anything into a message: a URL with its query, a header, a row. What was written into the source
beforehand is no data; so a template is told when it is found among the constants of the code that logs it, with
numbers in their places and `…` for everything else. A message that was put together before is withheld; the line then
says where it came from, which is where its words can be read.
"""

import logging
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

import structlog

from app.telemetry.logs.lines import WITHHELD

if TYPE_CHECKING:
    from types import FrameType

_LARGEST_NUMBER: Final = 10**12  # card numbers begin at thirteen digits
_CALLERS: Final = 8
_LONGEST: Final = 200
# It starts and stops processes: no request and no job passes there.
_SEE_NOBODY: Final = frozenset({"gunicorn.arbiter"})
# asyncio puts what it tells of into the message; its first line is one of these.
_KNOWN: Final = frozenset(
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
    """Turns a record of the standard library into a line of ours; with `everything`, as it was meant."""

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
        except Exception:  # noqa: BLE001 -- arguments that don't fit must not stop the work they tell of
            event = None
        if event is None:
            about["at"] = _place(record, callers)
        structlog.get_logger().log(_level(record), event or WITHHELD, **about)


def _level(record: logging.LogRecord) -> int:
    """The nearest level below that we know: libraries make up their own."""
    return min(max(record.levelno // 10 * 10, logging.DEBUG), logging.CRITICAL)


class _Hidden:
    def __str__(self) -> str:
        return "…"

    __repr__ = __str__


_HIDDEN: Final = _Hidden()


def message(record: logging.LogRecord, callers: list["FrameType"]) -> str | None:
    """What may be told of a record that these have logged, or None."""
    template = record.msg
    if not isinstance(template, str):
        return None
    # Its own lines, one call away: it calls a worker as well, and so stands behind all that a request logs.
    if any(frame.f_globals.get("__name__") in _SEE_NOBODY for frame in callers[:2]):
        return record.getMessage().strip()[:_LONGEST]
    if not any(_in_source(template, frame) for frame in callers):
        first = template.partition("\n")[0]
        return first if first in _KNOWN else None
    return _filled(template, record.args).strip()[:_LONGEST]


def callers_of(record: logging.LogRecord) -> list["FrameType"]:
    """The code that logs, and those that called it for that, innermost first. To be asked where it was logged."""
    frame: FrameType | None = sys._getframe(1)  # noqa: SLF001 -- the way to a caller, as `logging` itself goes
    while frame is not None and not (
        frame.f_code.co_filename == record.pathname and frame.f_code.co_name == record.funcName
    ):
        frame = frame.f_back
    callers: list[FrameType] = []
    while frame is not None and len(callers) < _CALLERS:
        callers.append(frame)
        frame = frame.f_back
    return callers


def _filled(template: str, arguments: Any) -> str:
    if not arguments:
        return template
    try:
        if isinstance(arguments, Mapping):
            return template % {name: _shown(value) for name, value in arguments.items()}
        return template % tuple(map(_shown, arguments))
    except (TypeError, ValueError, KeyError):  # `%d` of what is hidden
        return template


def _shown(value: object) -> object:
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, (int, float)) and abs(value) < _LARGEST_NUMBER:
        return value
    return type(value).__name__ if isinstance(value, BaseException) else _HIDDEN


def _in_source(template: str, frame: "FrameType") -> bool:
    """Whether the words are a constant of the code, or of its module."""
    if template in frame.f_code.co_consts:
        return True
    return any(value is template for name, value in frame.f_globals.items() if name.isupper())


def _place(record: logging.LogRecord, callers: list["FrameType"]) -> str:
    """Where the words stand that are withheld: in the library's own wrapper, or in who called that."""
    places = [
        f"{frame.f_globals.get('__name__', '?')}:{frame.f_lineno} {frame.f_code.co_name}" for frame in callers[:2]
    ]
    return ", ".join(places) or f"{record.module}:{record.lineno} {record.funcName}"
