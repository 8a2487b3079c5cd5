"""Compares the circuit breaker with a simple model under random sequences of calls."""

from dataclasses import dataclass, field
from typing import Literal

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from prometheus_client import CollectorRegistry

from app.errors import NotFoundError, UnavailableError
from app.infra.resilience.circuit_breaker import Breaker, BreakerOpenError, BreakerRules
from app.telemetry.metrics import DependencyMetrics
from tests.support.recorded_telemetry import recorded_logs

RULES = BreakerRules(failures_in_a_row=3, failed_share=0.5, calls=6, window_seconds=20, open_seconds=10)
STATES = ("closed", "open", "half_open")


@dataclass(slots=True)
class Clock:
    seconds: float = 1000.0

    def __call__(self) -> float:
        return self.seconds


def _breaker(clock: Clock, registry: CollectorRegistry | None = None) -> Breaker:
    metrics = DependencyMetrics(registry or CollectorRegistry())
    metrics.declare("rates", ["charge"])
    return Breaker("rates", metrics, RULES, clock)


@dataclass(slots=True)
class Call:
    """A call in progress: its ticket, and the model's state in which it began."""

    ticket: object
    era: int
    trial: bool


@dataclass(slots=True)
class Model:
    """Reference implementation of the rules: a list of all results since the state was entered."""

    state: Literal["closed", "open", "half_open"] = "closed"
    era: int = 0
    since: float = 0.0
    happened: list[tuple[float, bool]] = field(default_factory=list)

    def become(self, state: Literal["closed", "open", "half_open"], now: float) -> None:
        self.state, self.era, self.since, self.happened = state, self.era + 1, now, []

    def should_open(self, now: float) -> bool:
        last = self.happened[-RULES.calls :]
        row = self.happened[-RULES.failures_in_a_row :]
        all_failed = len(row) == RULES.failures_in_a_row and all(failed for _, failed in row)
        recent = [failed for at, failed in last if now - at <= RULES.window_seconds]
        return all_failed or (len(recent) == RULES.calls and sum(recent) >= RULES.failed_share * RULES.calls)


class Machine(RuleBasedStateMachine):
    """Calls start, succeed, fail or are cancelled, in any order, while time passes."""

    def __init__(self) -> None:
        super().__init__()
        self.clock = Clock()
        self.registry = CollectorRegistry()
        self.breaker = _breaker(self.clock, self.registry)
        self.model = Model()
        self.calls: list[Call] = []
        self.entered = dict.fromkeys(STATES, 0)

    @rule(seconds=st.sampled_from([0.5, 5.0, 10.0, 21.0]))
    def time_passes(self, seconds: float) -> None:
        self.clock.seconds += seconds

    @rule()
    def a_call_starts(self) -> None:
        model, now = self.model, self.clock.seconds
        if model.state == "open" and now - model.since >= RULES.open_seconds:
            self._become("half_open")
        trial_runs = any(call.trial and call.era == model.era for call in self.calls)
        if model.state == "closed" or (model.state == "half_open" and not trial_runs):
            self.calls.append(Call(self.breaker.enter(), model.era, trial=model.state == "half_open"))
            return
        with pytest.raises(BreakerOpenError) as refused:
            self.breaker.enter()
        assert 1 <= refused.value.retry_after <= RULES.open_seconds

    @precondition(lambda self: self.calls)
    @rule(data=st.data(), good=st.sampled_from([True, False, False, None]))
    def a_call_ends(self, data: st.DataObject, good: bool | None) -> None:  # noqa: FBT001 -- the rule's own name for it
        call = self.calls.pop(data.draw(st.integers(0, len(self.calls) - 1)))
        self.breaker.leave(call.ticket, good=good)
        if good is None or call.era != self.model.era:
            return
        if call.trial:
            self._become("closed" if good else "open")
            return
        self.model.happened.append((self.clock.seconds, not good))
        if self.model.should_open(self.clock.seconds):
            self._become("open")

    @invariant()
    def its_state_and_metrics_equal_the_models(self) -> None:
        assert self.breaker.state == self.model.state
        for state in STATES:
            labels = {"target": "rates", "state": state}
            is_in = self.registry.get_sample_value("dependency_breaker_state", labels)
            assert is_in == (state == self.model.state)
            entered = self.registry.get_sample_value("dependency_breaker_transitions_total", labels)
            assert entered == self.entered[state]

    @invariant()
    def at_most_one_trial_runs(self) -> None:
        assert sum(call.trial and call.era == self.model.era for call in self.calls) <= 1

    def _become(self, state: Literal["closed", "open", "half_open"]) -> None:
        self.entered[state] += 1
        self.model.become(state, self.clock.seconds)


TestMachine = Machine.TestCase
TestMachine.settings = settings(max_examples=30, stateful_step_count=50, deadline=None)


def _state(breaker: Breaker) -> str:
    return breaker.state  # as text: otherwise mypy narrows it and assumes that it does not change


def _call(breaker: Breaker, error: BaseException | None = None) -> None:
    with breaker.watching():
        if error is not None:
            raise error


def _fail(breaker: Breaker, times: int = 1) -> None:
    for _ in range(times):
        with pytest.raises(UnavailableError):
            _call(breaker, UnavailableError("gone"))


def test_it_opens_after_consecutive_failures_and_closes_when_a_trial_succeeds() -> None:
    clock = Clock()
    breaker = _breaker(clock)
    with recorded_logs() as logs:
        _fail(breaker, 2)
        _call(breaker)
        _fail(breaker, 3)
        assert _state(breaker) == "open"
        with pytest.raises(BreakerOpenError, match="The rates service failed too often") as refused:
            _call(breaker)
        assert refused.value.retry_after == 10
        clock.seconds += 9.5
        with pytest.raises(BreakerOpenError) as refused:
            _call(breaker)
        assert refused.value.retry_after == 1
        clock.seconds += 0.5
        _call(breaker)
        _fail(breaker, 2)
        assert _state(breaker) == "closed", "a row begins anew"
    assert [(line["state"], line["was"]) for line in logs.lines("breaker")] == [
        ("open", "closed"),
        ("half_open", "open"),
        ("closed", "half_open"),
    ]


def test_it_opens_when_half_of_the_last_calls_failed_though_never_consecutively() -> None:
    breaker = _breaker(Clock())
    for _ in range(2):
        _call(breaker)
        _fail(breaker)
    _call(breaker)
    assert _state(breaker) == "closed", "too few calls to judge"
    _fail(breaker)
    assert _state(breaker) == "open"


def test_old_failures_do_not_count() -> None:
    clock = Clock()
    breaker = _breaker(clock)
    for _ in range(4):
        _call(breaker)
        _fail(breaker)
        assert _state(breaker) == "closed"
        clock.seconds += RULES.window_seconds / 2 + 1


def test_a_refusal_counts_as_success() -> None:
    breaker = _breaker(Clock())
    _fail(breaker, 2)
    with pytest.raises(NotFoundError):
        _call(breaker, NotFoundError("There is no such charge."))
    _fail(breaker, 2)
    assert _state(breaker) == "closed", "the refusal ended the row"


@pytest.mark.parametrize("error", [KeyboardInterrupt(), RuntimeError("a fault of our own")])
def test_an_unrelated_error_in_a_trial_counts_as_no_result_and_allows_another_trial(error: BaseException) -> None:
    clock = Clock()
    breaker = _breaker(clock)
    _fail(breaker, 3)
    clock.seconds += RULES.open_seconds
    with pytest.raises(type(error)):
        _call(breaker, error)
    assert _state(breaker) == "half_open"
    _call(breaker)
    assert _state(breaker) == "closed"


def test_during_a_trial_other_calls_are_refused() -> None:
    clock = Clock()
    breaker = _breaker(clock)
    _fail(breaker, 3)
    clock.seconds += RULES.open_seconds
    with breaker.watching():
        for _ in range(3):
            with pytest.raises(BreakerOpenError) as refused:
                _call(breaker)
            assert refused.value.retry_after == 1
    assert _state(breaker) == "closed"
