"""Raw measurements of a run, not rounded before the verdict."""

from collections import Counter
from dataclasses import dataclass, field
from enum import StrEnum
from time import time
from typing import Final

PENDING: Final = "pending"
FINAL: Final = frozenset({"paid", "failed"})


class Failure(StrEnum):
    """Kind of a failed request."""

    SERVER_ERROR = "server_error"  # a status of 500 or more
    RESET = "reset"  # the connection closed before the response was complete
    TIMEOUT = "timeout"  # no complete response within the timeout
    REFUSED = "refused"  # no connection could be opened
    UNEXPECTED = "unexpected"  # a response that the journey does not expect: a 4xx, an unreadable body


# An unexpected response is not bad for an objective, since a 4xx is the client's error; but the run fails.
BAD: Final = frozenset(Failure) - {Failure.UNEXPECTED}
ANSWERED: Final = frozenset({None, Failure.SERVER_ERROR, Failure.UNEXPECTED})


class RequestFailedError(Exception):
    def __init__(self, kind: Failure, detail: str) -> None:
        super().__init__(detail)
        self.kind = kind


@dataclass
class Step:
    """Durations of the requests of one step, in seconds from when each was due to its response or failure."""

    answered: list[float] = field(default_factory=list)
    unanswered: list[float] = field(default_factory=list)
    failures: Counter[Failure] = field(default_factory=Counter)

    @property
    def requests(self) -> int:
        return len(self.answered) + len(self.unanswered)


@dataclass
class Order:
    """An accepted order. `seconds` is the time from when it was due until it was seen final, or None."""

    id: str
    status: str = PENDING
    seconds: float | None = None
    accepted_at: float = field(default_factory=time)
    """Unix time in seconds."""


@dataclass
class FailedRequest:
    """A failed request. `due` and `ended` are Unix times; `said` is the status or the system's error message."""

    due: float
    ended: float
    step: str
    kind: Failure
    said: str


@dataclass
class Record:
    steps: dict[str, Step] = field(default_factory=dict)
    orders: list[Order] = field(default_factory=list)
    unexpected: Counter[str] = field(default_factory=Counter)
    failed: list[FailedRequest] = field(default_factory=list)
    loaded_seconds: float | None = None
    """Seconds during which visits started, if the run was ended early."""
    lateness: list[float] = field(default_factory=list)
    """Seconds from when each visit was due to its start: the delay of the load generator, not of the service."""

    def request(self, step: str, seconds: float, error: RequestFailedError | None = None) -> None:
        """Records one request of a step, which took `seconds` since it was due."""
        kind = error.kind if error else None
        entry = self.steps.setdefault(step, Step())
        (entry.answered if kind in ANSWERED else entry.unanswered).append(seconds)
        if kind is not None:
            entry.failures[kind] += 1
            ended = time()
            self.failed.append(FailedRequest(ended - seconds, ended, step, kind, str(error)))
        if kind is Failure.UNEXPECTED:
            self.unexpected[f"{step}: {error}"] += 1

    @property
    def requests(self) -> int:
        return sum(step.requests for step in self.steps.values())

    @property
    def failures(self) -> Counter[Failure]:
        return sum((step.failures for step in self.steps.values()), Counter[Failure]())

    @property
    def bad_requests(self) -> int:
        return sum(count for kind, count in self.failures.items() if kind in BAD)

    def requests_within(self, seconds: float) -> int:
        """Counts requests answered, with any status, within `seconds` after they were due."""
        return sum(value <= seconds for step in self.steps.values() for value in step.answered)

    def orders_within(self, seconds: float) -> int:
        """Counts orders seen final within `seconds` after they were due."""
        return sum(order.seconds is not None and order.seconds <= seconds for order in self.orders)
