"""Alerts on causes, judged by promtool: each fires on its fault, and not on the fault beside it."""

import pytest

from tests.system.promtool import Promtool, Series, counter

STEPS = 60  # half an hour
CALLS, BREAKER = "dependency_requests_total", "dependency_breaker_state"
REQUESTS = 'route="/api/v1/items",method="GET",status="{}"'


def grows(name: str, labels: str, *segments: tuple[int, float]) -> Series:
    return Series(name, counter(*segments), labels)


def calls(target: str, **outcomes: float) -> list[Series]:
    """Returns calls of a dependency, so many of each outcome a step."""
    return [grows(CALLS, f'target="{target}",outcome="{name}"', (STEPS, each)) for name, each in outcomes.items()]


def orders(paid: float, failed: float) -> list[Series]:
    return [
        grows("orders_finished_total", f'status="{name}"', (STEPS, each))
        for name, each in (("paid", paid), ("failed", failed))
    ]


def statuses(**each: float) -> list[Series]:
    return [grows("http_requests_total", REQUESTS.format(status[1:]), (STEPS, count)) for status, count in each.items()]


def iterated(age_seconds: int) -> Series:
    """Returns the time of the last iteration of an event loop, at the start of the test and never again."""
    return Series("event_loop_last_turn_timestamp_seconds", f"{-age_seconds}x{STEPS}", 'component="api",pod="a"')


def lags(within_half_a_second: float, longer: float) -> list[Series]:
    both = within_half_a_second + longer
    bounds = {"0.1": within_half_a_second, "0.5": within_half_a_second, "1.0": both, "+Inf": both}
    of_pod = 'component="api",pod="a",le="{}"'
    return [grows("event_loop_lag_seconds_bucket", of_pod.format(le), (STEPS, each)) for le, each in bounds.items()]


FAULTS = {
    "BinnaclePaymentsFail": orders(paid=1, failed=3),
    "BinnacleJobsLate": [Series("jobs_oldest_age_seconds", "1000x60", 'topic="mail_receipt"')],
    "BinnacleWorkerSlotsFull": [grows("jobs_postponed_total", 'topic="pay_order",reason="no_slot"', (STEPS, 1))],
    "BinnacleDependencyFailing": calls("payments", ok=1, timeout=2),
    "BinnacleBreakerOpen": [Series(BREAKER, "1x60", 'target="payments",state="open"')],
    "BinnacleConnectionPoolExhausted": [grows("database_pool_timeouts_total", 'component="api"', (STEPS, 1))],
    "BinnacleEventLoopBlocked": [iterated(age_seconds=0)],
    "BinnacleSheddingLoad": [
        grows("http_requests_total", REQUESTS.format(503).replace("/api/v1/items", "overloaded"), (10, 0), (50, 1))
    ],
    "BinnacleTokensRefused": statuses(_200=1, _401=9),
    "BinnacleTelemetryLost": [grows("otel_spans_dropped_total", 'component="api",reason="queue_full"', (STEPS, 1))],
}
NEIGHBOURS = {
    "a third of the orders fails": orders(paid=2, failed=1),
    "two of three orders of a quiet shop fail": [
        grows("orders_finished_total", 'status="paid"', (STEPS, 0.02)),
        grows("orders_finished_total", 'status="failed"', (STEPS, 0.04)),
    ],
    "a payment waits": [Series("jobs_oldest_age_seconds", "1000x60", 'topic="pay_order"')],
    "a job waits for minutes": [Series("jobs_oldest_age_seconds", "600x60", 'topic="mail_receipt"')],
    "jobs wait for a breaker": [
        grows("jobs_postponed_total", 'topic="pay_order",reason="breaker_open"', (STEPS, 1)),
    ],
    "a third of the calls fails": calls("payments", ok=2, timeout=1),
    "conflicts are answers": calls("database", ok=1, conflict=9),
    "a breaker is half open": [Series(BREAKER, "1x60", 'target="payments",state="half_open"')],
    "a breaker opens for a minute": [Series(BREAKER, "0x20 1x2 0x36", 'target="payments",state="open"')],
    "connections are waited for": [Series("database_pool_pending_requests", "3x60", 'component="api"')],
    "the loop lags a little": lags(within_half_a_second=999, longer=1),
    "many 404 and few 401": statuses(_200=1, _404=90, _401=9),
    "a few tokens of a quiet night": statuses(_401=0.1),
    "lines are throttled": [grows("log_lines_suppressed_total", 'component="api",level="info"', (STEPS, 9))],
}


@pytest.mark.parametrize("alert", FAULTS)
def test_a_fault_fires_its_ticket_alone(promtool: Promtool, alert: str) -> None:
    burns = {"BinnacleAvailabilityBudgetBurn, page"} if alert == "BinnacleSheddingLoad" else set()
    promtool.expect_firing(FAULTS[alert], {"28m": sorted({f"{alert}, ticket"} | burns)})


@pytest.mark.parametrize("neighbour", NEIGHBOURS)
def test_what_lies_beside_a_fault_fires_nothing(promtool: Promtool, neighbour: str) -> None:
    series = NEIGHBOURS[neighbour]
    promtool.expect_firing(series, {"15m": [], "28m": []})


def test_a_lag_of_the_event_loop_fires_before_it_stands_still(promtool: Promtool) -> None:
    promtool.expect_firing(lags(within_half_a_second=50, longer=50), {"28m": ["BinnacleEventLoopBlocked, ticket"]})


@pytest.mark.parametrize("name", ["log_lines_lost_total", "error_reports_lost_total"])
def test_each_loss_of_telemetry_fires(promtool: Promtool, name: str) -> None:
    lost = [grows(name, 'component="worker",reason="full"', (STEPS, 1))]
    promtool.expect_firing(lost, {"28m": ["BinnacleTelemetryLost, ticket"]})
