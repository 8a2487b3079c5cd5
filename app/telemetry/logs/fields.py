"""Allow-list of log fields, with the format of each value.

A field that is not listed, or a value without its field's format, is left out, and the line names the field in
`withheld`. docs/decisions/0017-privacy.md.
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
_MAX_SENTENCE: Final = 300
_REJECTED: Final = object()  # instead of a value without the format of its field
Format = Callable[[Any], object]


def _number(value: object) -> object:
    return value if isinstance(value, (int, float)) else _REJECTED


def _id(value: object) -> object:
    if isinstance(value, UUID):
        return str(value)
    return value if isinstance(value, str) and _ID.fullmatch(value) else _REJECTED


def _words(value: object) -> object:
    """Accepts a short identifier of our own, such as a topic or a state, and numbers and timestamps."""
    if isinstance(value, str):
        return str(value) if _WORDS.fullmatch(value) else _REJECTED
    return value if isinstance(value, (int, float, datetime)) else _REJECTED


def _sentence(value: object) -> object:
    """Accepts a sentence of our own, such as the message of one of our errors, and truncates it."""
    return value[:_MAX_SENTENCE] if isinstance(value, str) else _REJECTED


def _type(value: object) -> object:
    """Accepts an exception, or text that begins with a type name, such as repr() of an exception; returns the name."""
    if isinstance(value, BaseException):
        return type(value).__name__
    begins = _TYPE.match(value) if isinstance(value, str) else None
    return begins.group() if begins else _REJECTED


FIELDS: Final[Mapping[str, Format]] = MappingProxyType(
    {
        # identifiers of our own, none of which identifies a person
        **dict.fromkeys(("request_id", "trace_id", "span_id", "user_id"), _id),
        **dict.fromkeys(("account_id", "item_id", "message_id", "order_id", "report_id"), _id),
        # counts and durations
        **dict.fromkeys(("attempts", "count", "duration_ms", "limit", "pid", "seconds"), _number),
        # names of our own
        **dict.fromkeys(("client", "code", "is_active", "purpose", "role", "status"), _words),
        **dict.fromkeys(("doing", "event_name", "found", "known", "now", "route", "state", "sweep"), _words),
        **dict.fromkeys(("target", "task", "topic", "was", "method", "until", "setting"), _words),
        **dict.fromkeys(("reason",), _sentence),
        **dict.fromkeys(("cause",), _type),
        **dict.fromkeys(("at", "logger", "suppressed_event", "suppressed_logger"), _words),
    }
)


def allowed(fields: Mapping[str, object]) -> Iterator[tuple[str, object]]:
    """Yields the fields that may be logged, and `withheld` with the names of the others."""
    withheld: list[str] = []
    for name, value in fields.items():
        shown: object = _REJECTED
        if name in FIELDS:
            shown = None if value is None else FIELDS[name](value)
        if shown is _REJECTED:
            withheld.append(name)
        else:
            yield name, shown
    if withheld:
        yield "withheld", [name for name in withheld if EVENT.fullmatch(name)]
