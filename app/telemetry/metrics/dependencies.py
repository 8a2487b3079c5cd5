"""Metrics of calls to other services and to the stores: outcomes, durations, retries and circuit breakers."""

import time
from collections.abc import Collection, Iterable
from typing import Final

from prometheus_client import CollectorRegistry

from app.telemetry.metrics.instruments import counter, gauge, histogram

DEPENDENCY_BUCKETS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
CALL_OUTCOMES: Final = ("ok", "timeout", "connection", "status", "body", "breaker_open")
STORE_OUTCOMES: Final = ("ok", "timeout", "connection", "conflict", "error")
BREAKER_STATES: Final = ("closed", "open", "half_open")


class DependencyMetrics:
    """Counts and times calls. `target` is a dependency, `operation` one kind of call.

    A call that the circuit breaker refuses has an outcome and no duration, since nothing was sent.
    """

    def __init__(self, registry: CollectorRegistry) -> None:
        self.breakers: dict[str, str] = {}  # the state of this process's circuit breakers, by target
        about = "Calls to other services and stores, retries included, by outcome."
        self.requests = counter(registry, "dependency_requests", about, target=(), operation=(), outcome=())
        name, about = "dependency_request_duration_seconds", "Duration of calls to other services and stores."
        self.duration = histogram(registry, name, about, DEPENDENCY_BUCKETS, target=(), operation=())
        self.retries = counter(registry, "dependency_retries", "Calls that were retried.", target=())
        about = "Calls that were not retried because the retry budget was exhausted."
        self.budget_exhausted = counter(registry, "dependency_retry_budget_exhausted", about, target=())
        about = "Number of processes whose circuit breaker is in this state."
        self.breaker_state = gauge(registry, "dependency_breaker_state", about, target=(), state=())
        about = "Changes of a circuit breaker to this state."
        self.breaker_transitions = counter(registry, "dependency_breaker_transitions", about, target=(), state=())

    def declare(self, target: str, operations: Iterable[str]) -> None:
        """Creates the series of a service at 0, with those of its circuit breaker and its retries."""
        self.declare_calls(target, operations, CALL_OUTCOMES)
        for counted in (self.retries, self.budget_exhausted):
            counted.labels(target)
        for state in BREAKER_STATES:
            self.breaker_transitions.labels(target, state)
        self._set_breaker(target, "closed")

    def breaker_became(self, target: str, state: str) -> None:
        """Counts a circuit breaker's change to `state`, one of BREAKER_STATES."""
        self.breaker_transitions.labels(target, state).inc()
        self._set_breaker(target, state)

    def _set_breaker(self, target: str, state: str) -> None:
        self.breakers[target] = state
        for each in BREAKER_STATES:
            self.breaker_state.labels(target, each).set(each == state)

    def declare_calls(self, target: str, operations: Iterable[str], outcomes: Collection[str]) -> None:
        """Creates the series of calls at 0, for a dependency without circuit breaker and retries."""
        for operation in operations:
            self.duration.labels(target, operation)
            for outcome in outcomes:
                self.requests.labels(target, operation, outcome)


class StoreCalls:
    """Measures calls of one operation of a store. Looks its series up once: a call to a store is short."""

    def __init__(self, metrics: DependencyMetrics, target: str, operation: str) -> None:
        self._duration = metrics.duration.labels(target, operation)
        self._outcomes = {outcome: metrics.requests.labels(target, operation, outcome) for outcome in STORE_OUTCOMES}

    def begin(self) -> float:
        """Returns the time at which a call starts, for `ended`."""
        return time.perf_counter()

    def ended(self, started: float, outcome: str = "ok") -> None:
        """Counts a call and observes its duration."""
        self._outcomes[outcome].inc()
        self._duration.observe(time.perf_counter() - started)
