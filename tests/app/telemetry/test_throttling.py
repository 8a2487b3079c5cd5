"""Throttling bounds repeated log lines and counts every one that it suppresses."""

import structlog
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry

from app.telemetry import logs
from app.telemetry.logs.line_processor import Lines
from app.telemetry.metrics.logs import LogMetrics
from app.telemetry.throttling import Suppressed, Throttle
from tests.support.processes import wait_until
from tests.support.recorded_telemetry import Logs

SHOWN, SECONDS = 3, 10.0
# Each step: the time since the one before, and the kind; "" only advances the clock of the summaries.
pauses = st.sampled_from([0.0, 0.1, 4.0, 10.0, 25.0])
steps = st.lists(st.tuples(pauses, st.sampled_from(["", *"abcdef"])), max_size=120)


@given(steps, st.sampled_from([2, 4, 6]))
def test_every_suppressed_line_is_counted_the_order_is_kept_and_the_first_of_a_kind_is_written(
    steps: list[tuple[float, str]], kinds: int
) -> None:
    throttle: Throttle[str] = Throttle(SHOWN, SECONDS, kinds)
    now = 0.0
    came: dict[str, int] = {}
    shown: list[tuple[float, str]] = []
    suppressed: dict[str, int] = {}
    waiting: dict[str, int] = {}

    def collect(summaries: list[Suppressed[str]]) -> None:
        for each in summaries:
            assert each.count == waiting.pop(each.kind)  # all suppressed lines, each counted once
            assert each.seconds >= 0
            suppressed[each.kind] = suppressed.get(each.kind, 0) + each.count

    for pause, kind in steps:
        now += pause
        if not kind:
            collect(throttle.expire(now))
            continue
        came[kind] = came.get(kind, 0) + 1
        admitted, summaries = throttle.admit(kind, now)
        collect(summaries)
        if admitted:
            assert kind not in waiting  # its summary precedes it: the order is that of the events
            shown.append((now, kind))
        else:
            assert came[kind] > SHOWN  # the first ones of a kind are always written
            waiting[kind] = waiting.get(kind, 0) + 1
        assert len(throttle) <= kinds
        recent = [when for when, each in shown if each == kind and now - when < SECONDS]
        if len(came) <= kinds:  # the end of one window and the start of the next; an evicted kind counts as new
            assert len(recent) <= 2 * SHOWN
        assert throttle.has_suppressed == bool(waiting)
    collect(throttle.close(now))
    assert not waiting
    assert {kind: sum(each == kind for _, each in shown) + suppressed.get(kind, 0) for kind in came} == came


def test_a_thousand_equal_errors_are_ten_lines_and_a_count(recorded: Logs) -> None:
    registry = CollectorRegistry()
    logs.count_in(LogMetrics(registry))
    for number in range(1000):
        structlog.get_logger().error("job_failed", attempts=number)
        if number == 500:
            structlog.get_logger().error("another", attempts=number)
    logs.flush()
    lines = recorded.lines()
    assert [line.get("attempts") for line in lines] == [*range(10), 500, None]
    summary = lines[-1]
    assert (summary["event"], summary["count"]) == ("log_lines_suppressed", 990)
    assert summary["suppressed_event"] == "job_failed"
    assert summary["level"] == "error"
    assert registry.get_sample_value("log_lines_suppressed_total", {"level": "error"}) == 990


def test_errors_are_equal_by_place_and_not_by_message(recorded: Logs) -> None:
    def fail(number: int) -> None:
        if number % 2:
            raise ValueError(f"odd {number}")
        raise ValueError(f"even {number}")

    for number in range(60):
        try:
            fail(number)
        except ValueError:
            structlog.get_logger().exception("job_failed")
    logs.flush()
    assert len(recorded.lines("job_failed")) == 20
    assert [line["count"] for line in recorded.lines("log_lines_suppressed")] == [20, 20]


def test_lines_below_warning_are_never_suppressed(recorded: Logs) -> None:
    for number in range(200):
        structlog.get_logger().info("order_finished", attempts=number)
        logs.current_sink().write({"timestamp": None, "level": "info", "event": "http_request", "status": 500})
    assert len(recorded.lines("order_finished")) == len(recorded.lines("http_request")) == 200


def test_the_count_is_written_although_no_further_line_follows(recorded: Logs) -> None:
    structlog.configure(processors=[Lines(logs.current_sink(), throttle=Throttle(seconds=0.3))])
    for _ in range(30):
        structlog.get_logger().warning("cache_left_alone")
    wait_until(lambda: recorded.lines("log_lines_suppressed"), 10, "the summary")
    assert [line["count"] for line in recorded.lines("log_lines_suppressed")] == [20]
