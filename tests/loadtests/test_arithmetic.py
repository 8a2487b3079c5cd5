"""Verdicts, percentiles and arrival times as arithmetic."""

from fractions import Fraction
from itertools import pairwise

import gevent
import pytest
from gevent.event import Event
from hypothesis import given
from hypothesis import strategies as st

from grafana.slo_file import Kind, Objective, Source, load
from loadtests.arrivals import arrival_times, run_visits
from loadtests.record import BAD, Failure, Order, Record, RequestFailedError
from loadtests.report import percentile, sentence
from loadtests.verdict import ORDERS, REQUESTS, Result, Verdict, judge

OBJECTIVES = load().objectives
SECONDS = st.floats(min_value=0, max_value=60)
REQUEST = st.tuples(SECONDS, st.none() | st.sampled_from(Failure))
ORDER = st.none() | SECONDS


def objective(percent: str = "99.9", *, threshold: float | None = None, source: str = REQUESTS) -> Objective:
    kind: Kind = "availability" if threshold is None else "latency"
    sources = (Source(source, "events", "", "", ""),)
    return Objective("x", "", kind, "", float(percent) / 100, threshold, sources)


def record(requests: list[tuple[float, Failure | None]], orders: list[float | None] | None = None) -> Record:
    made = Record()
    for seconds, failure in requests:
        made.request("step", seconds, RequestFailedError(failure, "why") if failure else None)
    made.orders = [
        Order(str(number), "pending" if seconds is None else "paid", seconds)
        for number, seconds in enumerate(orders or [])
    ]
    return made


@given(st.integers(1, 10**7), st.integers(0, 10**7), st.sampled_from(["50", "95", "99", "99.5", "99.9", "99.99"]))
def test_a_verdict_is_exact_at_the_boundary(total: int, bad: int, percent: str) -> None:
    good = max(0, total - bad)
    holds = Fraction(good, total) * 100 >= Fraction(percent)
    assert Result(objective(percent), good, total).verdict is (Verdict.OK if holds else Verdict.MISSED)


@given(st.integers(1, 10**4), st.sampled_from(["95", "99", "99.9"]))
def test_just_the_target_holds_and_one_event_less_misses(thousands: int, percent: str) -> None:
    total = 1000 * thousands
    enough = int(Fraction(percent) / 100 * total)
    assert Result(objective(percent), enough, total).verdict is Verdict.OK
    assert Result(objective(percent), enough - 1, total).verdict is Verdict.MISSED


@given(st.lists(REQUEST))
def test_availability_counts_errors_resets_timeouts_and_refusals(requests: list[tuple[float, Failure | None]]) -> None:
    (result,) = judge([objective()], record(requests)).results
    assert (result.total, result.total - result.good) == (len(requests), sum(kind in BAD for _, kind in requests))


@given(st.lists(REQUEST), SECONDS)
def test_latency_counts_answers_within_the_threshold(
    requests: list[tuple[float, Failure | None]], threshold: float
) -> None:
    (result,) = judge([objective(threshold=threshold)], record(requests)).results
    silent = {Failure.RESET, Failure.TIMEOUT, Failure.REFUSED}
    assert result.total == len(requests)
    assert result.good == sum(seconds <= threshold and kind not in silent for seconds, kind in requests)


@given(st.lists(ORDER), SECONDS)
def test_an_order_never_seen_final_is_bad(orders: list[float | None], threshold: float) -> None:
    (result,) = judge([objective(threshold=threshold, source=ORDERS)], record([], orders)).results
    assert result.total == len(orders)
    assert result.good == sum(seconds is not None and seconds <= threshold for seconds in orders)


@given(requests=st.lists(REQUEST), orders=st.lists(ORDER), orders_asked=st.booleans())
def test_a_run_passes_only_when_every_objective_asked_for_was_measured_and_holds(
    requests: list[tuple[float, Failure | None]], orders: list[float | None], *, orders_asked: bool
) -> None:
    judgement = judge(OBJECTIVES, record(requests, orders), orders_asked=orders_asked)
    verdicts = {result.verdict for result in judgement.results}
    unexpected = any(kind is Failure.UNEXPECTED for _, kind in requests)
    assert judgement.passed == (
        verdicts <= {Verdict.OK, Verdict.NOT_ASKED} and Verdict.OK in verdicts and not unexpected
    )
    assert all(name in sentence(judgement).lower() for name in (*judgement.missed, *judgement.not_measured))
    assert (sentence(judgement) == "All objectives hold.") == judgement.passed


def test_nothing_measured_is_no_pass() -> None:
    judgement = judge(OBJECTIVES, Record())
    assert not judgement.passed
    assert judgement.not_measured == ("availability", "latency", "order-completion")


@given(st.lists(SECONDS, min_size=1), st.sampled_from([0.5, 0.9, 0.99, 1.0]))
def test_a_percentile_is_the_smallest_value_that_its_share_does_not_exceed(values: list[float], share: float) -> None:
    ordered = sorted(values)
    found = percentile(ordered, share)
    assert found is not None
    assert sum(value <= found for value in ordered) >= share * len(ordered)
    assert sum(value < found for value in ordered) < share * len(ordered)


def test_no_values_have_no_percentile() -> None:
    assert percentile([], 0.5) is None


@given(st.floats(min_value=0.1, max_value=1000), st.floats(min_value=0.01, max_value=5))
def test_arrivals_are_evenly_spaced_and_fill_the_run_time(rate: float, run_time: float) -> None:
    dues = list(arrival_times(rate, run_time))
    assert dues[0] == 0
    assert all(abs(later - earlier - 1 / rate) < 1e-9 for earlier, later in pairwise(dues))
    assert dues[-1] < run_time <= dues[-1] + 1 / rate + 1e-9


def test_a_rate_of_0_has_no_arrivals() -> None:
    assert list(arrival_times(0, 60)) == []


def test_a_visit_begins_though_the_one_before_has_not_ended() -> None:
    both = Event()

    def visit(_: float, number: int) -> None:
        if number == 1:
            both.set()
        assert both.wait(10)

    run_visits([0, 0.01], visit, Event())


def test_an_error_in_a_visit_is_raised_when_all_have_ended() -> None:
    ended = []

    def visit(_: float, number: int) -> None:
        if number == 0:
            raise LookupError("planted")
        gevent.sleep(0.01)
        ended.append(number)

    with pytest.raises(LookupError, match="planted"):
        run_visits([0, 0.001, 0.002], visit, Event())
    assert ended == [1, 2]
