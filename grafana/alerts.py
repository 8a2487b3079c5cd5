"""Alerts: a budget that burns too fast, and what the budgets can't see."""

from collections.abc import Iterator, Mapping
from typing import Final

from grafana.clock import Clock
from grafana.promql import BY, equals, number, select
from grafana.recording import Rule, share, window_name
from grafana.slo import BurnAlert, Objective, Slos

DASHBOARD_UID: Final = "binnacle-service"
# A path of the repository; whoever publishes the runbooks elsewhere puts that address in its place.
RUNBOOKS: Final = "docs/runbooks.md"

STUCK_SECONDS: Final = 300
PAYMENTS: Final = 'topic=~"pay_order|refund_order"'  # letters and reports may wait; money may not
BLIND_MINUTES: Final = 5
WHERE: Final = "{{ $labels.release }} in {{ $labels.namespace }}"


def burn_alert_name(objective: Objective) -> str:
    """order-completion: BinnacleOrderCompletionBudgetBurn."""
    return f"Binnacle{''.join(part.capitalize() for part in objective.name.split('-'))}BudgetBurn"


def burn_alerts(slos: Slos, objective: Objective, clock: Clock) -> Iterator[Rule]:
    for alert in slos.burn_alerts:
        window = window_name(alert.long_minutes)
        summary = f"{objective.title}: {WHERE} spends its error budget at over {alert.factor:g}x the lasting pace."
        description = (
            f"{objective.description} {{{{ $labels.source }}}}: {{{{ $value | humanizePercentage }}}} bad over the last"
            f" {window}, and it still goes on; {objective.budget * 100:g}% is allowed. Unless it stops, the budget of"
            f" {slos.window_days} days is gone in less than {_pace(slos.window_days * 24 / alert.factor)}."
        )
        yield _rule(
            burn_alert_name(objective),
            expr=_burns(slos, objective, alert, clock),
            hold=clock.hold(alert.for_minutes),
            labels={"slo": objective.name, "severity": alert.severity, "window": window},
            says=(summary, description),
        )


def blind_spot_alerts(slos: Slos) -> Iterator[Rule]:
    pending = f"sum {BY} ({select('jobs_pending', PAYMENTS)}) >= {slos.minimum_bad_events}"
    oldest = f"max {BY} ({select('jobs_oldest_age_seconds', PAYMENTS)}) > {STUCK_SECONDS}"
    stuck = (
        "The oldest has waited {{ $value | humanizeDuration }}. The order-completion objective counts an order when it"
        " is final, so it says nothing about these."
    )
    yield _rule(
        "BinnacleOrdersStuck",
        expr=f"{oldest}\nand\n{pending}",
        hold="1m",
        labels={"severity": "page"},
        says=(f"Orders of {WHERE} are accepted but not finished.", stuck),
    )
    dead = (
        "{{ $value }} jobs failed again and again and were given up. They wait for a person: an order may be neither"
        " paid nor failed, a refund not given."
    )
    yield _rule(
        "BinnacleDeadLetters",
        expr=f"max {BY} ({select('outbox_dead_letters')}) > 0",
        hold="1m",
        labels={"severity": "ticket"},
        says=(f"Jobs of {WHERE} were given up.", dead),
    )
    missing = (
        "Prometheus knows pods of {{ $labels.component }} but reads metrics from none of them: they are down, or their"
        " admin port can't be reached. Until it is mended, the objectives that they feed are not watched."
    )
    yield _rule(
        "BinnacleMetricsMissing",
        expr=f"sum by (namespace, release, component) ({select('up')}) == 0",
        hold=f"{BLIND_MINUTES}m",
        labels={"severity": "page"},
        says=(f"No {{{{ $labels.component }}}} of {WHERE} can be scraped.", missing),
    )


def _burns(slos: Slos, objective: Objective, alert: BurnAlert, clock: Clock) -> str:
    which = equals("slo", objective.name)
    limit = f"{alert.factor:g} * {number(objective.budget)}"
    bad = f"sum_over_time({select('slo:bad_events:rate', which)}[{clock.range(alert.long_minutes)}])"
    return "\nand\n".join(
        [
            f"{select(share(alert.long_minutes), which)} > {limit}",
            f"{select(share(alert.short_minutes), which)} > {limit}",
            f"{bad} * {clock.interval_seconds} >= {slos.minimum_bad_events}",
        ],
    )


def _pace(hours: float) -> str:
    return f"{hours:g} hours" if hours < 100 else f"{hours / 24:g} days"  # noqa: PLR2004 - hours that a head can hold


def _rule(name: str, *, expr: str, hold: str, labels: Mapping[str, str], says: tuple[str, str]) -> Rule:
    summary, description = says
    return {
        "alert": name,
        "expr": expr,
        "for": hold,
        "labels": {"job": "binnacle", **labels},
        "annotations": {
            "summary": summary,
            "description": description,
            "runbook_url": f"{RUNBOOKS}#{name.lower()}",
            "dashboard_uid": DASHBOARD_UID,
        },
    }
