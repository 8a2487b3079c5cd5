"""Context of the current request or job, for logs, traces, error reports and problem details."""

from contextvars import ContextVar
from dataclasses import dataclass


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
