"""Series under Sloth's names, judged by promtool: what Sloth's public dashboards divide and show."""

import pytest

from tests.system.promtool import Promtool
from tests.system.test_rules import answered

OF = '{sloth_id="binnacle-availability"}'
RELEASE = '{job="binnacle", namespace="store", release="shop", sloth_id="binnacle-availability",'
RELEASE += ' sloth_service="binnacle", sloth_slo="availability"}'


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        (f"slo:objective:ratio{OF}", 0.999),
        (f"slo:error_budget:ratio{OF}", 0.001),
        (f"slo:time_period:days{OF}", 30),
        (f"slo:current_burn_rate:ratio{OF}", 0),
        (f"round(slo:period_burn_rate:ratio{OF}, 0.5)", 2),
        (f"round(slo:period_error_budget_remaining:ratio{OF}, 0.5)", -1),
    ],
)
def test_an_hour_with_two_bad_requests_in_a_thousand(promtool: Promtool, expression: str, value: float) -> None:
    """The bad requests end 10 minutes before the hour does, so that only the window of 5 minutes has none."""
    series = [answered(200, (120, 4990)), answered(500, (100, 12), (20, 0))]
    said = f"sum by (job, namespace, release, sloth_id, sloth_service, sloth_slo) ({expression})"
    promtool.expect_samples(series, said, {"1h": [(RELEASE, value)]})


def test_the_description_of_the_objective(promtool: Promtool) -> None:
    said = f"count by (sloth_objective, sloth_spec) (sloth_slo_info{OF})"
    expected = '{sloth_objective="99.9", sloth_spec="prometheus/v1"}'
    promtool.expect_samples([answered(200, (120, 998))], said, {"1h": [(expected, 1)]})


def test_the_worst_source_is_the_ratio_of_the_objective(promtool: Promtool) -> None:
    ratio = 'round(slo:sli_error:ratio_rate1h{sloth_id="binnacle-availability",sloth_window="1h"}, 0.001)'
    series = [answered(200, (120, 900)), answered(500, (120, 100))]
    promtool.expect_samples(series, f"max ({ratio})", {"1h": [("{}", 0.1)]})
