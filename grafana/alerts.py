"""Alerts on error budgets that burn too fast, and on failures that no error budget covers."""

from collections.abc import Iterator, Mapping
from typing import Final

from grafana.board import OVERVIEW_UID
from grafana.clock import Clock
from grafana.promql import BY, equals, number, select
from grafana.recording import Rule, error_ratio, window_name
from grafana.slo_file import BurnAlert, Objective, Slos

# A path in the repository. Replace it with a URL if you publish the runbooks elsewhere.
RUNBOOKS: Final = "docs/runbooks.md"

STUCK_SECONDS: Final = 300
PAYMENTS: Final = 'topic=~"pay_order|refund_order"'  # e-mails and reports may wait; payments may not
MISSING_MINUTES: Final = 5
WHERE: Final = "{{ $labels.release }} in {{ $labels.namespace }}"


def burn_alert_name(objective: Objective) -> str:
    """Builds the alert name: order-completion becomes BinnacleOrderCompletionBudgetBurn."""
    return f"Binnacle{''.join(part.capitalize() for part in objective.name.split('-'))}BudgetBurn"


def burn_alerts(slos: Slos, objective: Objective, clock: Clock) -> Iterator[Rule]:
    """Builds the multi-window, multi-burn-rate alerts of one objective."""
    for alert in slos.burn_alerts:
        window = window_name(alert.long_minutes)
        faster = "faster" if alert.factor == 1 else f"more than {alert.factor:g} times faster"
        summary = f"{objective.title}: {WHERE} burns its error budget {faster} than is sustainable."
        description = (
            f"Objective: {objective.description} {{{{ $labels.source }}}}: {{{{ $value | humanizePercentage }}}} bad in"
            f" the last {window}, and still failing; the objective allows {objective.budget * 100:g}%. At this rate the"
            f" error budget of {slos.window_days} days is exhausted in less than"
            f" {_time_left(slos.window_days * 24 / alert.factor)}. Pause any rollout, then follow the runbook."
        )
        yield _rule(
            burn_alert_name(objective),
            expr=_burn_expression(slos, objective, alert, clock),
            hold=clock.hold(alert.for_minutes),
            labels={"slo": objective.name, "severity": alert.severity, "window": window},
            texts=(summary, description),
        )


def blind_spot_alerts(slos: Slos) -> Iterator[Rule]:
    """Builds the alerts on failures that no objective sees: stuck orders, dead letters, missing metrics."""
    pending = f"sum {BY} ({select('jobs_pending', PAYMENTS)}) >= {slos.minimum_bad_events}"
    oldest = f"max {BY} ({select('jobs_oldest_age_seconds', PAYMENTS)}) > {STUCK_SECONDS}"
    stuck = (
        "The oldest payment or refund has waited for {{ $value | humanizeDuration }}. Customers wait, and the"
        " order-completion objective does not count an order before it is final. Check the workers and the queue."
    )
    yield _rule(
        "BinnacleOrdersStuck",
        expr=f"{oldest}\nand\n{pending}",
        hold="1m",
        labels={"severity": "page"},
        texts=(f"{WHERE} accepts orders but does not finish them.", stuck),
        board="binnacle-orders",
    )
    dead = (
        "{{ $value }} jobs failed at every attempt and are not retried automatically. An order may be neither paid nor"
        " failed, or a refund may be missing. Fix the cause first, then retry the dead letters."
    )
    yield _rule(
        "BinnacleDeadLetters",
        expr=f"max {BY} ({select('outbox_dead_letters')}) > 0",
        hold="1m",
        labels={"severity": "ticket"},
        texts=(f"{WHERE} has dead-lettered jobs.", dead),
        board="binnacle-orders",
    )
    missing = (
        "Prometheus discovers {{ $labels.component }} pods but scrapes none of them: the pods are down, or their admin"
        " port is unreachable. Objectives measured by these pods raise no alert until the scrape works again. Check the"
        " pods first, then the network policies."
    )
    yield _rule(
        "BinnacleMetricsMissing",
        expr=f"sum by (namespace, release, component) ({select('up')}) == 0",
        hold=f"{MISSING_MINUTES}m",
        labels={"severity": "page"},
        texts=(f"No {{{{ $labels.component }}}} pod of {WHERE} can be scraped.", missing),
        board="binnacle-runtime",
    )


def _burn_expression(slos: Slos, objective: Objective, alert: BurnAlert, clock: Clock) -> str:
    matcher = equals("slo", objective.name)
    limit = f"{alert.factor:g} * {number(objective.budget)}"
    bad = f"sum_over_time({select('slo:bad_events:rate', matcher)}[{clock.range(alert.long_minutes)}])"
    return "\nand\n".join(
        [
            f"{select(error_ratio(alert.long_minutes), matcher)} > {limit}",
            f"{select(error_ratio(alert.short_minutes), matcher)} > {limit}",
            f"{bad} * {clock.interval_seconds} >= {slos.minimum_bad_events}",
        ],
    )


def _time_left(hours: float) -> str:
    return f"{hours:g} hours" if hours < 100 else f"{hours / 24:g} days"  # noqa: PLR2004 - easier to read


def _rule(
    name: str, *, expr: str, hold: str, labels: Mapping[str, str], texts: tuple[str, str], board: str = OVERVIEW_UID
) -> Rule:
    summary, description = texts
    return {
        "alert": name,
        "expr": expr,
        "for": hold,
        "labels": {"job": "binnacle", **labels},
        "annotations": {
            "summary": summary,
            "description": description,
            "runbook_url": f"{RUNBOOKS}#{name.lower()}",
            "dashboard_uid": board,
        },
    }
