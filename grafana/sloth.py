"""Recording rules under Sloth's names, so that its public dashboards (Grafana's 14348 and 14643) work.

An objective with several sources has the ratio of its worst one.
Names: https://sloth.dev/introduction/architecture/ and Sloth's `pkg/common/conventions`.
"""

from collections.abc import Iterator

from grafana.promql import BY, equals, number, select
from grafana.recording import BASE_MINUTES, Rule, error_ratio, window_name, windows
from grafana.slo_file import Objective, Slos

SERVICE = "binnacle"


def sloth_rules(slos: Slos, objective: Objective) -> Iterator[Rule]:
    """Builds error ratios and metadata of one objective from its rules in `grafana.recording`, which come first."""
    identity = f"{SERVICE}-{objective.name}"
    labels = {"job": "binnacle", "sloth_id": identity, "sloth_service": SERVICE, "sloth_slo": objective.name}
    own, of_slo = equals("sloth_id", identity), equals("slo", objective.name)
    exists = f"group {BY} ({select('slo:error_budget:remaining', of_slo)})"
    period = slos.window_days * 24 * 60

    def rule(record: str, expr: str, **more: str) -> Rule:
        return {"record": record, "labels": labels | more, "expr": expr}

    for minutes in windows(slos):
        worst = f"max {BY} ({select(error_ratio(minutes), of_slo)})"
        yield rule(_ratio(minutes), worst, sloth_window=window_name(minutes))
    yield rule("slo:objective:ratio", f"{number(objective.objective)} * {exists}")
    yield rule("slo:error_budget:ratio", f"{number(objective.budget)} * {exists}")
    yield rule("slo:time_period:days", f"{slos.window_days} * {exists}")
    budget = number(objective.budget)
    yield rule("slo:current_burn_rate:ratio", f"{select(_ratio(BASE_MINUTES), own)} / {budget}")
    yield rule("slo:period_burn_rate:ratio", f"{select(_ratio(period), own)} / {budget}")
    yield rule("slo:period_error_budget_remaining:ratio", f"1 - {select('slo:period_burn_rate:ratio', own)}")
    yield rule(
        "sloth_slo_info",
        exists,
        sloth_mode="binnacle",
        sloth_spec="prometheus/v1",
        sloth_objective=number(objective.objective * 100),
    )


def _ratio(minutes: int) -> str:
    return f"slo:sli_error:ratio_rate{window_name(minutes)}"
