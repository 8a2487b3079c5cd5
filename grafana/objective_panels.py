"""Panels of one objective: its error budget, and the burn rate by window and over time."""

from grafana.board_queries import of_release
from grafana.panels import Bars, Graph, Line, Query, Stat
from grafana.promql import equals, number
from grafana.recording import error_ratio, window_name
from grafana.slo_file import BurnAlert, Objective, Slos

# Budget that is overdrawn more than once over says no more.
LOWEST_BUDGET = -1


def budget(slos: Slos, objective: Objective) -> Stat:
    remaining = of_release("slo:error_budget:remaining", equals("slo", objective.name))
    return Stat(
        f"{objective.title}: budget left",
        f"Remaining error budget of the objective {objective.objective * 100:g} % over {slos.window_days} days, for the"
        " source with the least. 100 %: no bad events; below 0: the objective is missed; -100 % or less is shown as"
        " that. In the first days few events are counted, so one bad event weighs more.",
        "percentunit",
        Query(f"clamp_min(min({remaining}), {LOWEST_BUDGET})", objective.title),
        lines=[Line(0, "orange"), Line(0.25, "green")],
        width=8,
    )


def windows(slos: Slos, objective: Objective) -> Bars:
    """Builds a bar for each window of an alert, as long as the share of the alert's burn rate that is reached."""
    return Bars(
        f"{objective.title}: burn by window",
        "Burn rate over each window of an alert, divided by the burn rate at which the alert fires. At 100 % of both of"
        " its windows an alert fires.",
        "percentunit",
        [
            Query(f"{_worst(minutes, objective)} / ({alert.factor:g} * {number(objective.budget)})", legend)
            for alert in slos.burn_alerts
            for minutes, legend in _legends(alert)
        ],
        most=1.5,
        lines=[Line(0.5, "orange"), Line(1, "red")],
    )


def burn(slos: Slos, objective: Objective) -> Graph:
    severities = {alert.factor: alert.severity for alert in slos.burn_alerts}
    return Graph(
        f"{objective.title}: burn rate",
        f"Objective: {objective.description} Burn rate of its error budget; at 1 the budget lasts exactly"
        f" {slos.window_days} days. Dashed: burn rates that fire an alert; red ones page.",
        "none",
        [
            Query(
                f"{of_release(error_ratio(alert.long_minutes), equals('slo', objective.name))}"
                f" / {number(objective.budget)}",
                f"{{{{source}}}}, {window_name(alert.long_minutes)}",
            )
            for alert in slos.burn_alerts
            if alert.severity == "page"
        ],
        lines=[
            Line(factor, "red" if severity == "page" else "orange") for factor, severity in sorted(severities.items())
        ],
    )


def _legends(alert: BurnAlert) -> list[tuple[int, str]]:
    return [
        (minutes, f"{alert.severity}: {window_name(minutes)}") for minutes in (alert.long_minutes, alert.short_minutes)
    ]


def _worst(minutes: int, objective: Objective) -> str:
    return f"max({of_release(error_ratio(minutes), equals('slo', objective.name))})"
