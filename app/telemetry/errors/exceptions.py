"""What may be told of an exception: its type, where it came from, codes, and the message of one of our own.

The message of anybody else's may hold whatever was typed: a unique violation carries the value, a parser its input.
docs/decisions/0017-privacy.md.
"""

import re
import traceback
from collections import deque
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from operator import itemgetter
from types import TracebackType
from typing import Final

OURS: Final = "app."
_PASSED_THROUGH: Final = (
    "app.infra.database.rows",
    "app.infra.database.sessions",
)  # by every statement
LONGEST_TEXT: Final = 2400
_LONGEST_MESSAGE: Final = 300
_FRAMES: Final = 8  # of ours, and as many of others'
_LINKS: Final = 5
_CODES: Final = (
    "sqlstate", "constraint_name", "table_name", "column_name", "sqlite_errorname", "errno", "status_code",
)  # fmt: skip
_CODE: Final = re.compile(r"[A-Za-z0-9_.]{1,63}")


@dataclass(frozen=True, slots=True)
class Frame:
    """One place in the code."""

    module: str
    function: str
    line: int

    def __str__(self) -> str:
        return f"{self.module}:{self.line} {self.function}"


@dataclass(frozen=True, slots=True)
class Told:
    """One exception of a chain. `message` is empty unless the type is ours; `link` says how it follows."""

    link: str
    type: str
    module: str
    message: str
    codes: dict[str, str]
    frames: list[Frame]

    @property
    def name(self) -> str:
        return self.type if self.module == "builtins" else f"{self.module}.{self.type}"

    @property
    def summary(self) -> str:
        """The codes and the message, where there are any."""
        codes = [f"{name} {value}" for name, value in self.codes.items()]
        return ", ".join([*codes, self.message] if self.message else codes)


def chain(error: BaseException) -> list[Told]:
    """The exception, and what it came from, as Python's own traceback would follow it; five links at most."""
    told: list[Told] = []
    seen: set[int] = set()
    following: tuple[str, BaseException] | None = ("", error)
    while following is not None and len(told) < _LINKS and id(following[1]) not in seen:
        link, error = following
        seen.add(id(error))
        told.append(_one(link, error))
        following = _next(error)
    return told


def place(links: list[Told]) -> str:
    """Where it broke: the innermost place of ours in the exception itself, or its innermost place at all."""
    frames = links[0].frames
    ours = [frame for frame in frames if frame.module.startswith(OURS) and frame.module not in _PASSED_THROUGH]
    return str((ours or frames)[-1]) if frames else "nowhere"


def text(links: list[Told]) -> str:
    """All of it as text: a line for each type and each place, innermost place last, of bounded length."""
    lines: list[str] = []
    for told in links:
        lines.append(f"{told.link}{told.name}{f': {told.summary}' if told.summary else ''}")
        lines += [f"  {frame}" for frame in told.frames]
    whole = "\n".join(lines)
    return whole if len(whole) <= LONGEST_TEXT else f"{whole[:LONGEST_TEXT]}…"


def whole(error: BaseException) -> str:
    """Everything, messages and all: for the terminal of the person whose data it is."""
    return "".join(traceback.format_exception(error)).rstrip()


def _next(error: BaseException) -> tuple[str, BaseException] | None:
    if isinstance(error, BaseExceptionGroup) and error.exceptions:
        return f"first of {len(error.exceptions)}: ", error.exceptions[0]
    if error.__cause__ is not None:
        return "caused by ", error.__cause__
    if error.__context__ is not None and not error.__suppress_context__:
        return "while handling ", error.__context__
    return None


def _one(link: str, error: BaseException) -> Told:
    kind = type(error)
    ours = kind.__module__.startswith(OURS)
    return Told(
        link, kind.__qualname__, kind.__module__, _message(error) if ours else "", _codes(error),
        [*_frames(error.__traceback__)],
    )  # fmt: skip


def _message(error: BaseException) -> str:
    try:
        return str(error)[:_LONGEST_MESSAGE]
    except Exception:  # noqa: BLE001 -- a fault in a message must not hide the fault it tells of
        return ""


def _codes(error: BaseException) -> dict[str, str]:
    codes = {}
    for name in _CODES:
        value = None
        with suppress(Exception):  # a property of somebody else's
            value = getattr(error, name, None)
        if value is not None and _CODE.fullmatch(str(value)):
            codes[name] = str(value)
    return codes


def _frames(trace: TracebackType | None) -> Iterator[Frame]:
    """The innermost places and the innermost of ours, outermost first: libraries go deep."""
    last: deque[tuple[int, TracebackType]] = deque(maxlen=_FRAMES)
    ours: deque[tuple[int, TracebackType]] = deque(maxlen=_FRAMES)
    number = 0
    while trace is not None:
        (ours if _module(trace).startswith(OURS) else last).append((number, trace))
        number, trace = number + 1, trace.tb_next
    for _, each in sorted([*ours, *last], key=itemgetter(0)):
        code = each.tb_frame.f_code
        yield Frame(_module(each), code.co_qualname, each.tb_lineno)


def _module(trace: TracebackType) -> str:
    return str(trace.tb_frame.f_globals.get("__name__", "?"))
