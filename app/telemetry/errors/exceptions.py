"""Redacts exceptions: keeps the type, the place, codes, and the message if the type is our own.

The message of another library's exception may hold user input: a unique violation names the value, a parser its input.
docs/decisions/0017-privacy.md.
"""

import re
import traceback
from collections import deque
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from operator import itemgetter
from types import CodeType, TracebackType
from typing import Final

OURS: Final = "app."
_WRAPPER: Final = "app.infra.database.sessions"  # by every statement
MAX_TEXT: Final = 2400
_MAX_MESSAGE: Final = 300
_MAX_FRAMES: Final = 8  # of our code, and as many of libraries
_MAX_LINKS: Final = 5
_CODES: Final = (
    "sqlstate", "constraint_name", "table_name", "column_name", "sqlite_errorname", "errno", "status_code",
)  # fmt: skip
_CODE: Final = re.compile(r"[A-Za-z0-9_.]{1,63}")


@dataclass(frozen=True, slots=True)
class Frame:
    """One stack frame: a place in the code."""

    module: str
    function: str
    line: int

    def __str__(self) -> str:
        return f"{self.module}:{self.line} {self.function}"


@dataclass(frozen=True, slots=True)
class Link:
    """One redacted exception of a chain. `message` is empty unless the type is ours; `link` relates it to the last."""

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
        """Codes and message, separated by commas."""
        codes = [f"{name} {value}" for name, value in self.codes.items()]
        return ", ".join([*codes, self.message] if self.message else codes)


def chain(error: BaseException) -> list[Link]:
    """Returns the exception and its causes in the order of Python's traceback, five at most."""
    links = [_redacted("", error)]
    seen = {id(error)}
    while (following := _next(error)) and len(links) < _MAX_LINKS and id(following[1]) not in seen:
        link, error = following
        seen.add(id(error))
        links.append(_redacted(link, error))
    return links


def place(links: list[Link]) -> str:
    """Returns the innermost frame in our code, or without one the innermost frame."""
    frames = links[0].frames
    ours = [frame for frame in frames if frame.module.startswith(OURS) and frame.module != _WRAPPER]
    return str((ours or frames)[-1]) if frames else "nowhere"


def text(links: list[Link]) -> str:
    """Formats a chain as text of bounded length: a line per type and per frame, innermost last."""
    lines: list[str] = []
    for each in links:
        lines.append(f"{each.link}{each.name}{f': {each.summary}' if each.summary else ''}")
        lines += [f"  {frame}" for frame in each.frames]
    formatted = "\n".join(lines)
    return formatted if len(formatted) <= MAX_TEXT else f"{formatted[:MAX_TEXT]}…"


def full_traceback(error: BaseException) -> str:
    """Formats the traceback with all messages, for the terminal of a developer."""
    return "".join(traceback.format_exception(error)).rstrip()


def _next(error: BaseException) -> tuple[str, BaseException] | None:
    if isinstance(error, BaseExceptionGroup) and error.exceptions:
        return f"first of {len(error.exceptions)}: ", error.exceptions[0]
    if error.__cause__ is not None:
        return "caused by ", error.__cause__
    if error.__context__ is not None and not error.__suppress_context__:
        return "while handling ", error.__context__
    return None


def _redacted(link: str, error: BaseException) -> Link:
    kind = type(error)
    ours = kind.__module__.startswith(OURS)
    return Link(
        link, kind.__qualname__, kind.__module__, _message(error) if ours else "", _codes(error),
        [*_frames(error.__traceback__)],
    )  # fmt: skip


def _message(error: BaseException) -> str:
    try:
        return str(error)[:_MAX_MESSAGE]
    except Exception:  # noqa: BLE001 -- a faulty __str__ must not hide the error
        return ""


def _codes(error: BaseException) -> dict[str, str]:
    codes = {}
    for name in _CODES:
        value = None
        with suppress(Exception):  # a library's property may raise
            value = getattr(error, name, None)
        if value is not None and _CODE.fullmatch(str(value)):
            codes[name] = str(value)
    return codes


def _frames(trace: TracebackType | None) -> Iterator[Frame]:
    """Yields the innermost frames of our code and of libraries, outermost first; deep library stacks are cut."""
    last: deque[tuple[int, str, CodeType, int]] = deque(maxlen=_MAX_FRAMES)
    ours: deque[tuple[int, str, CodeType, int]] = deque(maxlen=_MAX_FRAMES)
    for number, (frame, line) in enumerate(traceback.walk_tb(trace)):
        module = str(frame.f_globals.get("__name__", "?"))
        (ours if module.startswith(OURS) else last).append((number, module, frame.f_code, line))
    for _, module, code, line in sorted([*ours, *last], key=itemgetter(0)):
        yield Frame(module, code.co_qualname, line)
