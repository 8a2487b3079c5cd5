"""Are the promises kept, and how fast is what they allow being spent?"""

from collections.abc import Iterator

from grafana.panels import Figure, Graph, Line, Panel, Query
from grafana.promql import equals, number
from grafana.recording import share, window_name
from grafana.rows.queries import one
from grafana.slo import Objective, Slos


def objectives(slos: Slos) -> Iterator[Panel]:
    for objective in slos.objectives:
        yield _budget(slos, objective)
    yield Figure(
        "Version",
        "Each version and revision that runs now; more than one during a rollout.",
        "none",
        Query(f"count by (version, revision) ({one('build_info')})", "{{version}} {{revision}}"),
        names=True,
    )
    for objective in slos.objectives:
        yield _burn(slos, objective)


def _budget(slos: Slos, objective: Objective) -> Panel:
    return Figure(
        f"{objective.title}: budget left",
        f"What is left of the bad events that {objective.objective * 100:g} % over {slos.window_days} days allow."
        " 100 %: none were bad; below 0: the promise is broken. The worst source counts. In the first days there are"
        " few events to go by, and one bad event weighs much.",
        "percentunit",
        Query(one("slo:error_budget:remaining", equals("slo", objective.name)), objective.title),
        lines=[Line(0, "orange"), Line(0.25, "green")],
    )


def _burn(slos: Slos, objective: Objective) -> Panel:
    severities = {alert.factor: alert.severity for alert in slos.burn_alerts}
    pages = [alert for alert in slos.burn_alerts if alert.severity == "page"]
    return Graph(
        f"{objective.title}: burn rate",
        f"{objective.description} The lines tell how many times too fast the budget for failing at that is spent; at"
        f" 1 it lasts exactly {slos.window_days} days. Dashed: the paces that alert, red ones page.",
        "none",
        [
            Query(
                f"{one(share(alert.long_minutes), equals('slo', objective.name))} / {number(objective.budget)}",
                f"{{{{source}}}}, {window_name(alert.long_minutes)}",
            )
            for alert in pages
        ],
        lines=[
            Line(factor, "red" if severity == "page" else "orange") for factor, severity in sorted(severities.items())
        ],
    )
