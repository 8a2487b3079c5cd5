"""Judges a record by the objectives. Pure arithmetic: it needs neither Locust nor a network."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction
from typing import Final

from grafana.slo import Objective, SloError
from loadtests.record import Record

REQUESTS: Final = "api-requests"
ORDERS: Final = "orders"
# The service counts this source itself: a client never sees it.
UNSEEN: Final = "readiness"


class Verdict(StrEnum):
    OK = "ok"
    MISSED = "MISSED"
    NOT_MEASURED = "not measured"
    NOT_ASKED = "not asked"


@dataclass(frozen=True)
class Result:
    """One objective and the events that speak for and against it. `asked` is whether the run was to measure it."""

    objective: Objective
    good: int
    total: int
    asked: bool = True

    @property
    def measured(self) -> float | None:
        """The share of good events, or None when there were none."""
        return self.good / self.total if self.total else None

    @property
    def verdict(self) -> Verdict:
        if not self.total:
            return Verdict.NOT_MEASURED if self.asked else Verdict.NOT_ASKED
        # Fractions, since 99.9 % as a float can lie a hair above 999/1000.
        target = Fraction(self.objective.objective).limit_denominator(10**9)
        return Verdict.OK if Fraction(self.good, self.total) >= target else Verdict.MISSED


@dataclass(frozen=True)
class Judgement:
    results: tuple[Result, ...]
    unexpected: int

    @property
    def missed(self) -> tuple[str, ...]:
        return self._named(Verdict.MISSED)

    @property
    def not_measured(self) -> tuple[str, ...]:
        return self._named(Verdict.NOT_MEASURED)

    @property
    def passed(self) -> bool:
        """Every objective asked for was measured and holds, and every answer was one the journeys expect."""
        held = any(result.verdict is Verdict.OK for result in self.results)
        return held and not self.missed and not self.not_measured and not self.unexpected

    def _named(self, verdict: Verdict) -> tuple[str, ...]:
        return tuple(result.objective.name for result in self.results if result.verdict is verdict)


def measurable(objectives: Iterable[Objective]) -> tuple[Objective, ...]:
    """The objectives, when a client can measure each; else SloError, naming the one it can't."""
    checked = tuple(objectives)
    for objective in checked:
        known = {REQUESTS, UNSEEN} if objective.kind == "availability" else {REQUESTS, ORDERS}
        names = {source.name for source in objective.sources}
        if not names <= known or len(names - {UNSEEN}) != 1:
            raise SloError(
                f"the load test can't measure the objective {objective.name!r} from its sources"
                f" ({', '.join(sorted(names))}): teach loadtests/verdict.py to.",
            )
    return checked


def judge(objectives: Iterable[Objective], record: Record, *, orders_asked: bool = True) -> Judgement:
    """Count the record against each objective.

    availability: requests without a 5xx, a reset, a timeout or a refused connection.
    latency of requests: those answered within the threshold, counted from when they were due.
    latency of orders: accepted orders seen final within the threshold; one never seen final is bad.
    """
    return Judgement(
        tuple(_result(objective, record, orders_asked=orders_asked) for objective in measurable(objectives)),
        sum(record.unexpected.values()),
    )


def _result(objective: Objective, record: Record, *, orders_asked: bool) -> Result:
    threshold = objective.threshold_seconds
    if threshold is None:
        return Result(objective, record.requests - record.bad_requests, record.requests)
    if any(source.name == ORDERS for source in objective.sources):
        return Result(objective, record.orders_within(threshold), len(record.orders), orders_asked)
    return Result(objective, record.requests_within(threshold), record.requests)
