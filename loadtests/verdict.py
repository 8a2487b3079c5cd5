"""Verdict on a record by the objectives. Pure arithmetic, without Locust or a network."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction
from typing import Final

from grafana.slo_file import Objective, SloError
from loadtests.record import Record

REQUESTS: Final = "api-requests"
ORDERS: Final = "orders"
# Measured by the service alone; a client cannot see it.
SERVER_SIDE: Final = "readiness"


class Verdict(StrEnum):
    OK = "ok"
    MISSED = "MISSED"
    NOT_MEASURED = "not measured"
    NOT_ASKED = "not asked"


@dataclass(frozen=True)
class Result:
    """Good and total events of one objective. `asked` is false if the run was not meant to measure it."""

    objective: Objective
    good: int
    total: int
    asked: bool = True

    @property
    def measured(self) -> float | None:
        """Share of good events, or None without events."""
        return self.good / self.total if self.total else None

    @property
    def verdict(self) -> Verdict:
        if not self.total:
            return Verdict.NOT_MEASURED if self.asked else Verdict.NOT_ASKED
        # Fractions, because the float 0.999 can be slightly larger than 999/1000.
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
        """True if every objective asked for was measured and holds, and no response was unexpected."""
        held = any(result.verdict is Verdict.OK for result in self.results)
        return held and not self.missed and not self.not_measured and not self.unexpected

    def _named(self, verdict: Verdict) -> tuple[str, ...]:
        return tuple(result.objective.name for result in self.results if result.verdict is verdict)


def measurable(objectives: Iterable[Objective]) -> tuple[Objective, ...]:
    """Returns the objectives. Raises SloError with the name of one that a client cannot measure."""
    checked = tuple(objectives)
    for objective in checked:
        known = {REQUESTS, SERVER_SIDE} if objective.kind == "availability" else {REQUESTS, ORDERS}
        names = {source.name for source in objective.sources}
        if not names <= known or len(names - {SERVER_SIDE}) != 1:
            raise SloError(
                f"the load test can't measure the objective {objective.name!r} from its sources"
                f" ({', '.join(sorted(names))}): add them to loadtests/verdict.py.",
            )
    return checked


def judge(objectives: Iterable[Objective], record: Record, *, orders_asked: bool = True) -> Judgement:
    """Counts the good and bad events of each objective.

    Availability: requests without a 5xx, a reset, a timeout or a refused connection are good.
    Latency of requests: requests answered within the threshold after they were due are good.
    Latency of orders: accepted orders seen final within the threshold are good.
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
