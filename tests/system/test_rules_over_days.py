"""Conditions that last days, with windows 30 times shorter and steps of 5 s: an hour is two minutes."""

from tests.system.promtool import Promtool, Series, counter, labels

BUDGET = labels(job="binnacle", namespace="store", release="shop", slo="availability")


def answered(status: int, *segments: tuple[int, float]) -> Series:
    return Series("http_requests_total", counter(*segments), f'route="/api/v1/items",method="GET",status="{status}"')


def ready(outcome: str, *segments: tuple[int, float]) -> Series:
    return Series("readiness_checks_total", counter(*segments), f'pod="a",outcome="{outcome}"')


def test_a_slow_burn_is_a_ticket_and_no_page(fast_promtool: Promtool) -> None:
    series = [answered(200, (200, 996)), answered(500, (200, 4))]
    fast_promtool.expect_firing(series, {"12m": ["BinnacleAvailabilityBudgetBurn, ticket"]})


def test_a_burn_of_six_hours_pages_although_the_fast_window_does_not(fast_promtool: Promtool) -> None:
    series = [answered(200, (200, 990)), answered(500, (200, 10))]
    expected = [f"BinnacleAvailabilityBudgetBurn, {severity}" for severity in ("page", "ticket")]
    fast_promtool.expect_firing(series, {"12m": expected})


def test_the_remaining_budget_is_that_of_the_window(fast_promtool: Promtool) -> None:
    series = [answered(200, (200, 9995)), answered(500, (200, 5))]
    left = 'round(slo:error_budget:remaining{slo="availability"}, 0.01)'
    fast_promtool.expect_samples(series, left, {"12m": [(BUDGET, 0.5)]})


def test_the_budget_is_that_of_the_worst_source(fast_promtool: Promtool) -> None:
    series = [
        answered(200, (100, 100)),
        answered(500, (100, 0)),
        ready("ready", (80, 1), (20, 0)),
        ready("not_ready", (80, 0), (20, 1)),
    ]
    broken = 'slo:error_budget:remaining{slo="availability"} < bool 0'
    fast_promtool.expect_samples(series, broken, {"6m": [(BUDGET, 0)], "8m": [(BUDGET, 1)]})


def test_with_short_windows_an_outage_pages_and_ends_within_two_minutes(fast_promtool: Promtool) -> None:
    series = [
        ready("ready", (24, 1), (24, 0), (60, 1)),
        ready("not_ready", (24, 0), (24, 1), (60, 0)),
    ]
    pages = 'group by (severity) (ALERTS{alertstate="firing",severity="page"})'
    paged = [('{severity="page"}', 1.0)]
    fast_promtool.expect_samples(series, pages, {"2m": [], "3m": paged, "4m": paged, "6m": []})
