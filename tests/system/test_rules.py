"""Alerts on error budgets, tested with promtool: steps of 30 s, the rules as deployed."""

import pytest

from tests.system.promtool import Promtool, Series, counter, labels

READ = 'route="/api/v1/items",method="GET"'
SHOP = {"job": "binnacle", "namespace": "store", "release": "shop"}
BUDGET = SHOP | {"slo": "availability"}
REQUESTS = BUDGET | {"source": "api-requests"}
PAGE = "BinnacleAvailabilityBudgetBurn, page"


def answered(status: int, *segments: tuple[int, float], release: str = "shop") -> Series:
    return Series("http_requests_total", counter(*segments), f'{READ},status="{status}"', release)


def checked(pod: str, outcome: str, *segments: tuple[int, float]) -> Series:
    return Series("readiness_checks_total", counter(*segments), f'pod="{pod}",outcome="{outcome}"')


def timed(histogram: str, which: str, within: str, fast: float, slow: float) -> list[Series]:
    """An hour of observations: `fast` per step within the bound `within`, `slow` above it."""
    separator = "," if which else ""
    return [
        Series(f"{histogram}_bucket", counter((120, fast)), f'{which}{separator}le="{within}"'),
        Series(f"{histogram}_bucket", counter((120, fast + slow)), f'{which}{separator}le="+Inf"'),
        Series(f"{histogram}_count", counter((120, fast + slow)), which),
    ]


def test_promtool_accepts_the_rules(promtool: Promtool) -> None:
    result = promtool.run("check", "rules", "--lint-fatal", str(promtool.rules))
    assert result.returncode == 0, result.stderr


def test_an_outage_pages_within_minutes_with_a_description(promtool: Promtool) -> None:
    series = [answered(200, (60, 300), (30, 240)), answered(500, (60, 0), (30, 60))]
    annotations = {
        "summary": ("Availability: shop in store burns its error budget more than 6 times faster than is sustainable."),
        "description": (
            "Objective: API requests are answered without a server error, and at least one replica of the API is ready."
            " 3.333% are bad, and still are; the objective allows 0.1%. At this rate the error budget of 30 days is"
            " exhausted in less than 5 days. Pause any rollout, then follow the runbook."
        ),
        "runbook_url": "docs/runbooks.md#binnacleavailabilitybudgetburn",
        "dashboard_uid": "binnacle-overview",
    }
    alert = {"exp_labels": BUDGET | {"severity": "page"}, "exp_annotations": annotations}
    expectation = {"eval_time": "36m", "alertname": "BinnacleAvailabilityBudgetBurn", "exp_alerts": [alert]}
    promtool.test(series, {"alert_rule_test": [expectation]})


def test_an_alert_ends_with_the_outage(promtool: Promtool) -> None:
    series = [answered(200, (60, 300), (20, 0), (30, 300)), answered(500, (60, 0), (20, 300), (30, 0))]
    page = 'group by (severity) (ALERTS{alertstate="firing",severity="page"})'
    promtool.expect_samples(series, page, {"39m": [('{severity="page"}', 1)], "75m": []})


def test_a_short_error_spike_fires_no_alert(promtool: Promtool) -> None:
    series = [answered(200, (60, 300), (1, 150), (19, 300)), answered(500, (60, 0), (1, 150), (19, 0))]
    promtool.expect_firing(series, {"31m": [], "33m": [], "36m": []})


def test_one_failure_of_few_requests_fires_no_alert(promtool: Promtool) -> None:
    series = [answered(200, (60, 0), (4, 1), (20, 0)), answered(500, (61, 0), (4, 1), (19, 0))]
    promtool.expect_samples(series, "slo:error:ratio5m > bool 0.1", {"32m": [(labels(**REQUESTS), 1)]})
    promtool.expect_firing(series, {"32m": [], "33m": [], "35m": []})


def test_without_traffic_the_error_ratio_is_0(promtool: Promtool) -> None:
    series = [answered(200, (60, 0)), answered(500, (60, 0))]
    promtool.expect_samples(series, "slo:error:ratio1h", {"10m": [(labels("slo:error:ratio1h", **REQUESTS), 0)]})
    promtool.expect_samples(
        series, "slo:error_budget:remaining", {"10m": [(labels("slo:error_budget:remaining", **BUDGET), 1)]}
    )
    promtool.expect_firing(series, {"10m": []})


def test_errors_of_a_status_that_never_occurred_are_0_and_not_absent(promtool: Promtool) -> None:
    expected = [(labels("slo:bad_events:rate", **REQUESTS), 0.0)]
    promtool.expect_samples([answered(200, (60, 30))], "slo:bad_events:rate", {"10m": expected})


def test_a_ratio_is_weighted_by_traffic(promtool: Promtool) -> None:
    series = [answered(200, (100, 300), (20, 0)), answered(500, (100, 0), (20, 3))]
    expression = 'round(slo:error:ratio1h{source="api-requests"}, 0.001)'
    promtool.expect_samples(series, expression, {"1h": [(labels(**REQUESTS), 0.002)]})


def test_no_ready_replica_pages_without_traffic(promtool: Promtool) -> None:
    series = [
        answered(200, (60, 300), (20, 0)),
        answered(500, (80, 0)),
        *(checked(pod, "ready", (60, 6), (20, 0)) for pod in "ab"),
        *(checked(pod, "not_ready", (60, 0), (20, 6)) for pod in "ab"),
    ]
    promtool.expect_firing(series, {"30m": [], "35m": [PAGE]})


def test_one_unready_replica_of_two_fires_no_alert(promtool: Promtool) -> None:
    series = [
        checked("a", "ready", (80, 6)),
        checked("b", "ready", (60, 6), (20, 0)),
        checked("b", "not_ready", (60, 0), (20, 6)),
    ]
    promtool.expect_firing(series, {"39m": []})


def test_draining_does_not_count_as_unavailable(promtool: Promtool) -> None:
    series = [
        checked("a", "ready", (60, 6), (20, 0)),
        checked("a", "draining", (60, 0), (20, 6)),
        checked("a", "not_ready", (80, 0)),
    ]
    promtool.expect_firing(series, {"39m": []})


@pytest.mark.parametrize(
    ("histogram", "which", "within", "alert"),
    [
        (
            "http_request_duration_seconds",
            'route="/api/v1/items",method="GET"',
            "0.25",
            "BinnacleLatencyBudgetBurn, page",
        ),
        ("order_processing_duration_seconds", "", "10.0", "BinnacleOrderCompletionBudgetBurn, page"),
    ],
)
def test_many_slow_requests_page_and_a_few_do_not(
    promtool: Promtool, histogram: str, which: str, within: str, alert: str
) -> None:
    promtool.expect_firing(timed(histogram, which, within, fast=80, slow=20), {"10m": [alert]})
    promtool.expect_firing(timed(histogram, which, within, fast=99.5, slow=0.5), {"10m": []})


def test_probes_and_unknown_paths_do_not_count(promtool: Promtool) -> None:
    series = [
        Series("http_requests_total", counter((60, 30)), f'route="{route}",method="GET",status="503"')
        for route in ("/readyz", "unmatched")
    ]
    promtool.expect_firing(series, {"30m": []})


def test_releases_have_separate_alerts(promtool: Promtool) -> None:
    series = [
        answered(200, (60, 300), (30, 0)),
        answered(500, (60, 0), (30, 300)),
        answered(200, (90, 300), release="other"),
        answered(500, (90, 0), release="other"),
    ]
    firing = 'count by (release) (ALERTS{alertstate="firing",severity="page"})'
    promtool.expect_samples(series, firing, {"40m": [('{release="shop"}', 1)]})
