"""Alerts on error budgets that burn too fast: one page and one ticket for each objective.

An alert fires when both windows of any row of its severity in `slo.yaml` exceed the row's burn rate, for any source of
the objective, so that one fault is one page: https://sre.google/workbook/alerting-on-slos/.
"""

from collections.abc import Iterator, Sequence

from grafana.alert import WHERE, Alert
from grafana.clock import Clock
from grafana.promql import BY, equals, number, select
from grafana.recording import error_ratio
from grafana.slo_file import SEVERITIES, BurnAlert, Objective, Slos

# An alert that ends and fires again within this time would page twice for one fault.
KEEP_MINUTES = 5


def burn_alert_name(objective: Objective) -> str:
    """Builds the alert name: order-completion becomes BinnacleOrderCompletionBudgetBurn."""
    return f"Binnacle{''.join(part.capitalize() for part in objective.name.split('-'))}BudgetBurn"


def burn_alerts(slos: Slos, objective: Objective, clock: Clock) -> Iterator[Alert]:
    """Builds the multi-window, multi-burn-rate alerts of one objective, one for each severity."""
    for severity in SEVERITIES:
        rows = [alert for alert in slos.burn_alerts if alert.severity == severity]
        if rows:
            yield _burn_alert(slos, objective, rows, clock)


def _burn_alert(slos: Slos, objective: Objective, rows: Sequence[BurnAlert], clock: Clock) -> Alert:
    slowest = min(row.factor for row in rows)
    faster = "faster" if slowest == 1 else f"more than {slowest:g} times faster"
    summary = f"{objective.title}: {WHERE} burns its error budget {faster} than is sustainable."
    description = (
        f"Objective: {objective.description} {{{{ $value | humanizePercentage }}}} are bad, and still are; the"
        f" objective allows {objective.budget * 100:g}%. At this rate the error budget of {slos.window_days} days is"
        f" exhausted in less than {_time_left(slos.window_days * 24 / slowest)}. Pause any rollout, then follow the"
        " runbook."
    )
    hold = min(row.for_minutes for row in rows)
    exceeded = (_exceeded(slos, objective, row, row.for_minutes - hold, clock) for row in rows)
    either = "\nor\n".join(f"  (\n{_indented(each)}\n  )" for each in exceeded)
    return Alert(
        name=burn_alert_name(objective),
        expr=f"max {BY} (\n{either}\n)",
        hold=clock.hold(hold),
        keep=clock.hold(KEEP_MINUTES),
        severity=rows[0].severity,
        labels={"slo": objective.name},
        summary=summary,
        description=description,
    )


def _exceeded(slos: Slos, objective: Objective, row: BurnAlert, since_minutes: int, clock: Clock) -> str:
    """Returns a condition: both windows exceed the row's burn rate, and have done so for some minutes."""
    matcher = equals("slo", objective.name)

    def ratio(minutes: int) -> str:
        series = select(error_ratio(minutes), matcher)
        return f"min_over_time({series}[{clock.range(since_minutes)}])" if since_minutes else series

    limit = f"{row.factor:g} * {number(objective.budget)}"
    bad = f"sum_over_time({select('slo:bad_events:rate', matcher)}[{clock.range(row.long_minutes)}])"
    return "\nand\n".join(
        [
            f"{ratio(row.long_minutes)} > {limit}",
            f"{ratio(row.short_minutes)} > {limit}",
            f"{bad} * {clock.interval_seconds} >= {slos.minimum_bad_events}",
        ],
    )


def _indented(expression: str) -> str:
    return "\n".join(f"    {line}" for line in expression.splitlines())


def _time_left(hours: float) -> str:
    return f"{hours:g} hours" if hours < 100 else f"{hours / 24:g} days"  # noqa: PLR2004 - easier to read
