"""Panels of the objectives: error budgets and burn rates."""

from collections.abc import Iterator

from grafana.panels import Figure, Graph, Line, Panel, Query
from grafana.promql import equals, number
from grafana.recording import error_ratio, window_name
from grafana.rows.queries import of_release
from grafana.slo import Objective, Slos


def objectives(slos: Slos) -> Iterator[Panel]:
    for objective in slos.objectives:
        yield _budget(slos, objective)
    yield Figure(
        "Version",
        "Version and revision of the running pods. Two versions at once mean a rollout in progress.",
        "none",
        Query(f"count by (version, revision) ({of_release('build_info')})", "{{version}} {{revision}}"),
        names=True,
    )
    for objective in slos.objectives:
        yield _burn(slos, objective)


def _budget(slos: Slos, objective: Objective) -> Panel:
    return Figure(
        f"{objective.title}: budget left",
        f"Remaining error budget of the objective {objective.objective * 100:g} % over {slos.window_days} days, for the"
        " source with the least. 100 %: no bad events; below 0: the objective is missed. In the first days few events"
        " are counted, so one bad event weighs more.",
        "percentunit",
        Query(of_release("slo:error_budget:remaining", equals("slo", objective.name)), objective.title),
        lines=[Line(0, "orange"), Line(0.25, "green")],
    )


def _burn(slos: Slos, objective: Objective) -> Panel:
    severities = {alert.factor: alert.severity for alert in slos.burn_alerts}
    pages = [alert for alert in slos.burn_alerts if alert.severity == "page"]
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
            for alert in pages
        ],
        lines=[
            Line(factor, "red" if severity == "page" else "orange") for factor, severity in sorted(severities.items())
        ],
    )
