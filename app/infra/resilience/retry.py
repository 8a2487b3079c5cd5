"""Retries with full jitter, within a deadline and a budget, so that retries do not multiply an outage."""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from dataclasses import KW_ONLY, dataclass, field
from typing import TypeVar

from app.telemetry.metrics import DependencyMetrics

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class RetryRules:
    """Limits of retries. At most one in `calls_per_retry` calls is a retry, and `reserve` more.

    The reserve allows retries in a process that has just started, or that calls rarely.
    """

    tries: int = 3
    first_pause_seconds: float = 0.1
    longest_pause_seconds: float = 2.0
    calls_per_retry: int = 5
    reserve: int = 10


class RetryBudget:
    """The retries that are left: of any n calls in sequence, at most n / calls_per_retry + reserve."""

    def __init__(self, rules: RetryRules) -> None:
        self._price = rules.calls_per_retry
        self._most = rules.reserve * rules.calls_per_retry
        self._saved = self._most

    def earn(self) -> None:
        """Call once for each call, and not for its retries."""
        self._saved = min(self._saved + 1, self._most)

    def spend(self) -> bool:
        """Takes one retry from the budget; returns False when none is left."""
        if self._saved < self._price:
            return False
        self._saved -= self._price
        return True


@dataclass(slots=True)
class Retries:
    """Retries the calls of one dependency, whose budget they share in this process."""

    target: str
    metrics: DependencyMetrics
    rules: RetryRules = RetryRules()
    _: KW_ONLY
    uniform: Callable[[float, float], float] = random.uniform
    sleep: Callable[[float], Awaitable[object]] = asyncio.sleep
    clock: Callable[[], float] = time.monotonic
    _budget: RetryBudget = field(init=False)

    def __post_init__(self) -> None:
        self._budget = RetryBudget(self.rules)

    async def run(
        self, call: Callable[[], Awaitable[T]], *, repeatable: Callable[[Exception], bool], until: float
    ) -> T:
        """Returns the result of `call`, or raises its last error.

        `call` must be idempotent: a read, or a write with an idempotency key. `repeatable` tests whether a retry may
        help after an error. No try begins after `until`, a time of the clock.
        """
        self._budget.earn()
        tries = 1
        while True:
            try:
                return await call()
            except Exception as error:
                if not repeatable(error) or not self._may_repeat(tries, pause := self._pause(tries), until):
                    raise
            self.metrics.retries.labels(self.target).inc()
            await self.sleep(pause)
            tries += 1

    def _pause(self, tries: int) -> float:
        """Returns a random pause below a bound that doubles, so that callers do not retry together."""
        bound = min(self.rules.longest_pause_seconds, self.rules.first_pause_seconds * 2 ** (tries - 1))
        return self.uniform(0, bound)

    def _may_repeat(self, tries: int, pause: float, until: float) -> bool:
        if tries >= self.rules.tries or self.clock() + pause >= until:
            return False
        affordable = self._budget.spend()
        if not affordable:
            self.metrics.budget_exhausted.labels(self.target).inc()
        return affordable
