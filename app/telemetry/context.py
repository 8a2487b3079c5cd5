"""Context of the current request or job, for logs, traces, error reports and problem details; and request ids."""

import random
import re
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Final

_VALID_ID: Final = re.compile(rb"[A-Za-z0-9._-]{1,128}")


@dataclass(slots=True)
class WorkContext:
    """One request or one job. `trace_id` is 32 and `span_id` 16 hex digits, as in W3C Trace Context."""

    request_id: str
    trace_id: str
    span_id: str = ""
    sampled: bool = False
    user_id: str | None = None


_current: ContextVar[WorkContext | None] = ContextVar("binnacle_work", default=None)

current = _current.get
enter = _current.set
leave = _current.reset


def given_id(field: bytes | None) -> str | None:
    """Returns the value of X-Request-ID, or None unless logs and headers may repeat it."""
    return field.decode("ascii") if field is not None and _VALID_ID.fullmatch(field) else None


def new_id() -> str:
    """Returns a request id of 32 hexadecimal digits."""
    return random.randbytes(16).hex()  # noqa: S311 -- a name, no secret
