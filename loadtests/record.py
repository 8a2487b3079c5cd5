"""What a run measured, as raw values: nothing is rounded before it is judged."""

from collections import Counter
from dataclasses import dataclass, field
from enum import StrEnum
from time import time
from typing import Final

PENDING: Final = "pending"
FINAL: Final = frozenset({"paid", "failed"})


class Failure(StrEnum):
    """Why a request failed."""

    SERVER_ERROR = "server_error"  # a status of 500 or more
    RESET = "reset"  # sent, and the connection ended before the whole answer came
    TIMEOUT = "timeout"  # no whole answer in time
    REFUSED = "refused"  # no connection
    UNEXPECTED = "unexpected"  # an answer, but not one that the journey can go on with: a 4xx, an unreadable body


# The objectives do not count an unexpected answer as bad, since a 4xx is the client's doing. It still bars a pass.
BAD: Final = frozenset(Failure) - {Failure.UNEXPECTED}
ANSWERED: Final = frozenset({None, Failure.SERVER_ERROR, Failure.UNEXPECTED})


class RequestFailedError(Exception):
    def __init__(self, kind: Failure, detail: str) -> None:
        super().__init__(detail)
        self.kind = kind


@dataclass
class Step:
    """The requests of one step of a journey, in seconds from when each was due to its answer or its failure."""

    answered: list[float] = field(default_factory=list)
    unanswered: list[float] = field(default_factory=list)
    failures: Counter[Failure] = field(default_factory=Counter)

    @property
    def requests(self) -> int:
        return len(self.answered) + len(self.unanswered)


@dataclass
class Order:
    """An accepted order. `seconds` run from when it was due to the answer that showed it final; None if none did."""

    id: str
    status: str = PENDING
    seconds: float | None = None
    accepted_at: float = field(default_factory=time)
    """Unix time."""


@dataclass
class FailedRequest:
    """`due` and `ended` are Unix times; `said` is a status, or what the system said."""

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
    """For how long visits began, when they were told to end before the run time was over."""
    lateness: list[float] = field(default_factory=list)
    """Seconds from when a visit was due to when it began: the load generator's own delay, not the service's."""

    def request(self, step: str, seconds: float, error: RequestFailedError | None = None) -> None:
        """Count one request of a step, `seconds` after it was due."""
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
        """How many requests were answered, with whatever status, at most `seconds` after they were due."""
        return sum(value <= seconds for step in self.steps.values() for value in step.answered)

    def orders_within(self, seconds: float) -> int:
        """How many orders were seen final at most `seconds` after they were due."""
        return sum(order.seconds is not None and order.seconds <= seconds for order in self.orders)
