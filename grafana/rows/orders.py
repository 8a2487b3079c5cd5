"""Orders from being placed to their end, the backlog between, and the provider that is paid."""

from collections.abc import Iterator

from grafana.alerts import PAYMENTS, STUCK_SECONDS
from grafana.panels import Graph, Line, Panel, Query
from grafana.rows.queries import one, quantiles, rate

PROVIDER = 'target="payments"'
QUARTER = 6
HALF = 12


def orders(threshold_seconds: float) -> Iterator[Panel]:
    """`threshold_seconds` is the order-completion objective's."""
    finished = rate("", "orders_finished_total")
    failed = rate("", "orders_finished_total", 'status="failed"')
    yield Graph(
        "Orders placed and finished",
        "Orders a second. Finished ones that stay below placed ones are a backlog that grows.",
        "ops",
        [
            Query(rate("", "orders_placed_total"), "placed"),
            Query(rate("status", "orders_finished_total"), "{{status}}"),
        ],
        width=QUARTER,
    )
    yield Graph(
        "Orders that failed",
        "Share of finished orders that failed: declined by the provider, or given up. 0 while none finish.",
        "percentunit",
        [Query(f"{failed} / ({finished} > 0) or 0 * {finished}", "failed")],
        width=QUARTER,
    )
    yield Graph(
        "Time to finish an order",
        "From placed to paid or failed: half, 95 % and 99 % took at most this long. Dashed: the threshold of the"
        " order-completion objective.",
        "s",
        quantiles("order_processing_duration_seconds"),
        width=QUARTER,
        lines=[Line(threshold_seconds, "red")],
    )
    yield Graph(
        "Provider calls",
        "Calls to the payment provider a second by outcome.",
        "ops",
        [Query(rate("outcome", "dependency_requests_total", PROVIDER), "{{outcome}}")],
        width=QUARTER,
    )
    yield Graph(
        "Outbox backlog",
        "Jobs that are asked for and not done, as the database tells it, by kind: the five of which there are most.",
        "none",
        [Query(f"topk(5, max by (topic) ({one('jobs_pending')}))", "{{topic}}")],
        width=QUARTER,
    )
    yield Graph(
        "Age of the oldest in the outbox",
        "How long the oldest unfinished payment or refund has waited. Dashed: orders count as stuck.",
        "s",
        [Query(f"max({one('jobs_oldest_age_seconds', PAYMENTS)})", "oldest")],
        width=QUARTER,
        lines=[Line(STUCK_SECONDS, "red")],
    )
    yield Graph(
        "Jobs queued again",
        "Jobs a second that the reconciler queued again since nobody had done them; 0 while the queue keeps all.",
        "ops",
        [Query(rate("", "outbox_requeued_total"), "queued again")],
        width=QUARTER,
    )
    yield Graph(
        "Provider latency",
        "Half, 95 % and 99 % of calls to the payment provider took at most this long.",
        "s",
        quantiles("dependency_request_duration_seconds", PROVIDER),
        width=QUARTER,
    )
    yield Graph(
        "Dead letters",
        "Jobs that failed too often and wait for a person.",
        "none",
        [Query(f"max({one('outbox_dead_letters')})", "dead")],
        width=HALF,
    )
    yield Graph(
        "Jobs by outcome",
        "Tries of jobs a second: done, again (a turn of a long one), later (failed, tried again), dead (given up).",
        "ops",
        [Query(rate("outcome", "jobs_finished_total"), "{{outcome}}")],
        width=HALF,
    )
