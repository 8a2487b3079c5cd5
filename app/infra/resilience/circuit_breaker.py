"""A circuit breaker: stops the calls of a dependency that fails, and lets one trial call through after a while.

Each process has its own breaker for each dependency: to share the state would save a few calls, and need a network.
"""

import math
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Literal

import structlog

from app.errors import DomainError, UnavailableError
from app.settings import Settings
from app.telemetry.metrics import DependencyMetrics

State = Literal["closed", "open", "half_open"]


class BreakerOpenError(UnavailableError):
    """The breaker is open: nothing was sent."""


@dataclass(frozen=True, slots=True)
class BreakerRules:
    """Thresholds: consecutive failures, or the failed share of the last `calls` within the window."""

    failures_in_a_row: int = 5
    failed_share: float = 0.5
    calls: int = 20
    window_seconds: float = 60.0
    open_seconds: float = 10.0


@dataclass(slots=True)
class Breaker:
    """Closed: calls pass. Open: none does. Half-open: one trial call passes, and its outcome decides."""

    target: str
    metrics: DependencyMetrics
    rules: BreakerRules = BreakerRules()
    clock: Callable[[], float] = time.monotonic  # in seconds
    state: State = field(default="closed", init=False)
    _in_a_row: int = field(default=0, init=False)
    _recent: deque[tuple[float, bool]] = field(init=False)
    _opened_at: float = field(default=0.0, init=False)
    _trial: object | None = field(default=None, init=False)
    # Replaced at each change of state: the outcome of an earlier call is ignored.
    _era: object = field(default_factory=object, init=False)

    def __post_init__(self) -> None:
        self._recent = deque(maxlen=self.rules.calls)

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Wraps one call, which fails by raising UnavailableError; any other DomainError is an answer.

        Raises BreakerOpenError while calls are stopped. Cancellation and faults of this code are ignored.
        """
        ticket = self.enter()
        good: bool | None = None
        try:
            yield
            good = True
        except DomainError as error:
            good = not isinstance(error, UnavailableError)
            raise
        finally:
            self.leave(ticket, good=good)

    def check(self) -> None:
        """Raises BreakerOpenError when a call would be stopped now; starts no trial call."""
        left = self._opened_at + self.rules.open_seconds - self.clock()
        passes = {"closed": True, "open": left <= 0, "half_open": self._trial is None}
        if not passes[self.state]:
            message = f"The {self.target} service failed too often; its circuit breaker is open."
            raise BreakerOpenError(message, retry_after=max(1, math.ceil(left)))

    def enter(self) -> object:
        """Returns a ticket for one call, to pass to `leave`. Raises BreakerOpenError."""
        self.check()
        if self.state == "open":
            self._become("half_open")
        if self.state == "half_open":
            self._trial = object()
            return self._trial
        return self._era

    def leave(self, ticket: object, *, good: bool | None) -> None:
        """Records the outcome of a call; `good` is None when the outcome says nothing about the dependency."""
        if ticket is self._trial:
            self._trial = None
            if good is not None:
                self._become("closed" if good else "open")
        elif ticket is self._era and good is not None:
            self._count(failed=not good)

    def _count(self, *, failed: bool) -> None:
        rules, now = self.rules, self.clock()
        self._in_a_row = self._in_a_row + 1 if failed else 0
        self._recent.append((now, failed))
        enough = len(self._recent) == rules.calls and now - self._recent[0][0] <= rules.window_seconds
        failures = sum(bad for _, bad in self._recent)
        if self._in_a_row >= rules.failures_in_a_row or (enough and failures >= rules.failed_share * rules.calls):
            self._become("open")

    def _become(self, state: State) -> None:
        log = structlog.get_logger()
        (log.info if state == "closed" else log.warning)("breaker", target=self.target, state=state, was=self.state)
        self.metrics.breaker_became(self.target, state)
        self.state = state
        self._era = object()
        self._in_a_row = 0
        self._recent.clear()
        if state == "open":
            self._opened_at = self.clock()


def breaker_of(target: str, settings: Settings, metrics: DependencyMetrics) -> Breaker:
    """Returns a breaker with the thresholds of the settings."""
    rules = BreakerRules(failures_in_a_row=settings.breaker_failures, open_seconds=settings.breaker_open_seconds)
    return Breaker(target, metrics, rules)
