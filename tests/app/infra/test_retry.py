"""Retries: jitter, deadlines, and the retry budget."""

from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry

from app.errors import NotFoundError, UnavailableError
from app.infra.resilience.retry import Retries, RetryBudget, RetryRules
from app.telemetry.metrics import DependencyMetrics

pytestmark = pytest.mark.anyio


@dataclass(slots=True)
class Service:
    """Fails a number of times, each taking a given time. Time passes only when the test advances it."""

    failures: int
    takes: float = 0.0
    rules: RetryRules = field(default_factory=RetryRules)
    seconds: float = 0.0
    calls: int = 0
    bounds: list[float] = field(default_factory=list)
    registry: CollectorRegistry = field(default_factory=CollectorRegistry)
    retries: Retries = field(init=False)

    def __post_init__(self) -> None:
        metrics = DependencyMetrics(self.registry)
        metrics.declare("rates", [])
        self.retries = Retries(
            "rates", metrics, self.rules, uniform=self._uniform, sleep=self._sleep, clock=lambda: self.seconds
        )

    async def call(self) -> str:
        self.calls += 1
        self.seconds += self.takes
        if self.calls <= self.failures:
            raise UnavailableError("gone")
        return "answer"

    async def call_with_retries(self, until: float = 100.0) -> str:
        return await self.retries.run(
            self.call, repeatable=lambda error: isinstance(error, UnavailableError), until=until
        )

    def counted(self, name: str) -> float | None:
        return self.registry.get_sample_value(name, {"target": "rates"})

    def _uniform(self, low: float, high: float) -> float:
        assert low == 0, "full jitter"
        self.bounds.append(high)
        return high

    async def _sleep(self, seconds: float) -> None:
        self.seconds += seconds


async def test_the_upper_bound_of_pauses_doubles_up_to_a_limit() -> None:
    service = Service(failures=5, rules=RetryRules(tries=6, first_pause_seconds=0.5, longest_pause_seconds=3))
    assert await service.call_with_retries() == "answer"
    assert service.bounds == [0.5, 1, 2, 3, 3]
    assert service.seconds == sum(service.bounds)
    assert service.counted("dependency_retries_total") == 5
    assert service.counted("dependency_retry_budget_exhausted_total") == 0


async def test_pauses_are_spread_evenly_below_their_bound() -> None:
    metrics = DependencyMetrics(CollectorRegistry())
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    rules = RetryRules(tries=2, first_pause_seconds=1, calls_per_retry=1)
    for _ in range(200):
        retries = Retries("rates", metrics, rules, sleep=sleep)
        with pytest.raises(UnavailableError):
            await retries.run(Service(failures=9).call, repeatable=lambda _: True, until=float("inf"))
    assert len(slept) == 200
    assert all(0 <= pause <= 1 for pause in slept)
    assert min(slept) < 0.2
    assert max(slept) > 0.8


async def test_the_last_error_is_raised_after_the_last_try() -> None:
    service = Service(failures=9)
    with pytest.raises(UnavailableError, match="gone"):
        await service.call_with_retries()
    assert service.calls == 3


async def test_no_try_begins_after_the_deadline() -> None:
    service = Service(failures=9, takes=1, rules=RetryRules(tries=9, first_pause_seconds=0.1))
    with pytest.raises(UnavailableError):
        await service.call_with_retries(until=2.2)
    assert service.calls == 2, "a third would have begun after 1 + 0.1 + 1 + 0.2 s"
    assert service.counted("dependency_retries_total") == 1


async def test_errors_that_a_retry_can_not_fix_are_not_retried() -> None:
    service = Service(failures=0)

    async def refuse() -> str:
        service.calls += 1
        raise NotFoundError("There is no such thing.")

    with pytest.raises(NotFoundError):
        await service.retries.run(refuse, repeatable=lambda error: isinstance(error, UnavailableError), until=100)
    assert service.calls == 1


async def test_the_budget_keeps_retries_from_multiplying_an_outage() -> None:
    service = Service(failures=10**6, rules=RetryRules(tries=4, calls_per_retry=10, reserve=5))
    for _ in range(1000):
        with pytest.raises(UnavailableError):
            await service.call_with_retries(until=float("inf"))
    assert 1100 <= service.calls <= 1105, "a tenth more than was asked for, and the reserve"
    assert service.counted("dependency_retries_total") == service.calls - 1000
    assert (service.counted("dependency_retry_budget_exhausted_total") or 0) > 800
    service.failures = 0
    for _ in range(10):
        assert await service.call_with_retries() == "answer"
    service.failures = service.calls + 1
    assert await service.call_with_retries() == "answer", "after ten good calls one may be repeated again"


@given(
    calls_per_retry=st.integers(1, 20),
    reserve=st.integers(0, 5),
    what=st.lists(st.booleans(), max_size=300),
)
def test_within_any_window_retries_stay_within_their_share(
    calls_per_retry: int, reserve: int, what: list[bool]
) -> None:
    budget = RetryBudget(RetryRules(calls_per_retry=calls_per_retry, reserve=reserve))
    earned, spent = [0], [0]
    for is_call in what:
        if is_call:
            budget.earn()
        earned.append(earned[-1] + is_call)
        spent.append(spent[-1] + (not is_call and budget.spend()))
    for begin in range(0, len(what), 7):
        for end in range(begin, len(what) + 1, 7):
            assert spent[end] - spent[begin] <= (earned[end] - earned[begin]) / calls_per_retry + reserve
