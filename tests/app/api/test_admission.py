"""The limit of requests in progress follows the delay before the event loop starts one."""

import pytest
from prometheus_client import CollectorRegistry

from app.server.admission import LEAST, START, TARGET_SECONDS, WINDOW_SECONDS, Admission
from app.telemetry.metrics import HttpMetrics

MOST = 256
LATE, SOON = TARGET_SECONDS * 4, TARGET_SECONDS / 4


class Driven:
    """An admission whose clock and requests are moved by hand."""

    def __init__(self, most: int = MOST) -> None:
        self.now = 0.0
        self.registry = CollectorRegistry()
        self.admission = Admission(most, HttpMetrics(self.registry), lambda: self.now)

    def windows(self, count: int, *, delay: float, in_progress: int | None = None) -> int:
        """Lets windows pass with this delay of the loop, by default with as many requests as may be; the limit then."""
        for _ in range(count):
            taken = self.admission.limit if in_progress is None else in_progress
            for _ in range(taken):
                self.admission.take()
            self.now += WINDOW_SECONDS
            self.admission.started(self.now, delay)
            for _ in range(taken):
                self.admission.release()
        return self.admission.limit


def test_a_process_short_of_cpu_takes_fewer_but_never_none() -> None:
    driven = Driven()
    assert driven.windows(1, delay=LATE) == START // 2
    assert driven.windows(20, delay=LATE) == LEAST


def test_requests_that_wait_for_a_dependency_raise_the_limit_to_the_setting() -> None:
    assert Driven().windows(30, delay=SOON) == MOST


def test_the_limit_is_at_rest_where_it_is_not_reached() -> None:
    assert Driven().windows(30, delay=SOON, in_progress=START // 2) == START
    assert Driven().windows(30, delay=LATE, in_progress=1) == START


def test_the_limit_returns_to_its_start_when_the_overload_is_over() -> None:
    driven = Driven()
    driven.windows(20, delay=LATE)
    assert driven.windows(START - LEAST, delay=SOON, in_progress=1) == START


@pytest.mark.parametrize("most", [1, LEAST - 1, START + 1])
def test_the_setting_bounds_it(most: int) -> None:
    driven = Driven(most)
    assert driven.windows(100, delay=SOON) == most
    assert driven.registry.get_sample_value("http_requests_in_progress_limit") == most
    assert driven.windows(100, delay=LATE) == min(most, LEAST)
