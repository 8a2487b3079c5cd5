"""The allow-list of log lines: what a line may hold besides its event, and in which form.

A field that isn't here, or a value that hasn't its field's form, is left out, and the line says so by the field's name
(`withheld`). docs/decisions/0017-privacy.md.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Any, Final
from uuid import UUID

EVENT: Final = re.compile(r"[a-z][a-z0-9_]{0,63}")
_ID: Final = re.compile(r"[A-Za-z0-9._-]{1,128}")
_WORDS: Final = re.compile(r"[A-Za-z0-9_.,:/{}<> -]{1,160}")
_TYPE: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_.]{0,127}")
_LONGEST_SENTENCE: Final = 300


class _Not:
    """The value hasn't the form of its field."""


_NOT: Final = _Not()
Form = Callable[[Any], object]


def _number(value: object) -> object:
    return value if isinstance(value, (int, float)) else _NOT


def _id(value: object) -> object:
    if isinstance(value, UUID):
        return str(value)
    return value if isinstance(value, str) and _ID.fullmatch(value) else _NOT


def _words(value: object) -> object:
    """A name of ours: a topic, a state, a place. Numbers and moments are welcome as well."""
    if isinstance(value, str):
        return str(value) if _WORDS.fullmatch(value) else _NOT
    return value if isinstance(value, (int, float, datetime)) else _NOT


def _sentence(value: object) -> object:
    """A sentence of ours, such as the message of one of our own errors."""
    return value[:_LONGEST_SENTENCE] if isinstance(value, str) else _NOT


def _type(value: object) -> object:
    """The name of a type: of an exception, or of what begins with it, as repr() of one does."""
    if isinstance(value, BaseException):
        return type(value).__name__
    begins = _TYPE.match(value) if isinstance(value, str) else None
    return begins.group() if begins else _NOT


FIELDS: Final[Mapping[str, Form]] = MappingProxyType(
    {
        # whose and which: identifiers of ours, none of which tells who a person is
        **dict.fromkeys(("request_id", "trace_id", "span_id", "user_id"), _id),
        **dict.fromkeys(("account_id", "item_id", "message_id", "order_id", "report_id"), _id),
        # how many, how long
        **dict.fromkeys(("attempts", "count", "duration_ms", "limit", "pid", "seconds"), _number),
        # what of our own
        **dict.fromkeys(("client", "code", "is_active", "purpose", "role", "status"), _words),
        **dict.fromkeys(("doing", "event_name", "found", "known", "now", "route", "state", "sweep"), _words),
        **dict.fromkeys(("target", "task", "topic", "was", "method", "until", "setting"), _words),
        **dict.fromkeys(("reason",), _sentence),
        **dict.fromkeys(("cause",), _type),
        **dict.fromkeys(("at", "logger", "suppressed_event", "suppressed_logger"), _words),
    }
)


def allowed(fields: Mapping[str, object]) -> Iterator[tuple[str, object]]:
    """What may be told, and the names of what may not."""
    withheld: list[str] = []
    for name, value in fields.items():
        form = FIELDS.get(name)
        told = value if value is None and form is not None else form(value) if form is not None else _NOT
        if told is _NOT:
            withheld.append(name)
        else:
            yield name, told
    if withheld:
        yield "withheld", [name for name in withheld if EVENT.fullmatch(name)]
