"""Panels of orders: rates, processing time, the outbox backlog and the payment provider."""

from collections.abc import Iterator

from grafana.alerts import PAYMENTS, STUCK_SECONDS
from grafana.panels import Graph, Line, Panel, Query
from grafana.rows.queries import of_release, quantiles, rate

PROVIDER = 'target="payments"'
QUARTER = 6
HALF = 12


def orders(threshold_seconds: float) -> Iterator[Panel]:
    """Builds the panels. `threshold_seconds` is the threshold of the order-completion objective."""
    finished = rate("", "orders_finished_total")
    failed = rate("", "orders_finished_total", 'status="failed"')
    yield Graph(
        "Orders placed and finished",
        "Orders per second. If fewer are finished than placed, the backlog grows.",
        "ops",
        [
            Query(rate("", "orders_placed_total"), "placed"),
            Query(rate("status", "orders_finished_total"), "{{status}}"),
        ],
        width=QUARTER,
    )
    yield Graph(
        "Orders that failed",
        "Share of finished orders that failed: the provider declined the payment, or all attempts failed. 0 while no"
        " order finishes.",
        "percentunit",
        [Query(f"{failed} / ({finished} > 0) or 0 * {finished}", "failed")],
        width=QUARTER,
    )
    yield Graph(
        "Time to finish an order",
        "Percentiles (50, 95, 99) of the time from placed to paid or failed. Dashed: the threshold of the"
        " order-completion objective.",
        "s",
        quantiles("order_processing_duration_seconds"),
        width=QUARTER,
        lines=[Line(threshold_seconds, "red")],
    )
    yield Graph(
        "Provider calls",
        "Calls to the payment provider per second, by outcome.",
        "ops",
        [Query(rate("outcome", "dependency_requests_total", PROVIDER), "{{outcome}}")],
        width=QUARTER,
    )
    yield Graph(
        "Outbox backlog",
        "Pending jobs in the database by topic; the five topics with the most.",
        "none",
        [Query(f"topk(5, max by (topic) ({of_release('jobs_pending')}))", "{{topic}}")],
        width=QUARTER,
    )
    yield Graph(
        "Age of the oldest in the outbox",
        "Age of the oldest pending payment or refund. Dashed: the age at which BinnacleOrdersStuck fires.",
        "s",
        [Query(f"max({of_release('jobs_oldest_age_seconds', PAYMENTS)})", "oldest")],
        width=QUARTER,
        lines=[Line(STUCK_SECONDS, "red")],
    )
    yield Graph(
        "Jobs queued again",
        "Jobs per second that the reconciler queued again because no worker had finished them. Above 0, the queue loses"
        " messages or the workers are too slow.",
        "ops",
        [Query(rate("", "outbox_requeued_total"), "queued again")],
        width=QUARTER,
    )
    yield Graph(
        "Provider latency",
        "Percentiles (50, 95, 99) of the duration of calls to the payment provider.",
        "s",
        quantiles("dependency_request_duration_seconds", PROVIDER),
        width=QUARTER,
    )
    yield Graph(
        "Dead letters",
        "Jobs that failed at every attempt and wait for an operator.",
        "none",
        [Query(f"max({of_release('outbox_dead_letters')})", "dead")],
        width=HALF,
    )
    yield Graph(
        "Jobs by outcome",
        "Job attempts per second: done; again (one time slice of a long job); later (failed, will be retried); dead"
        " (failed at every attempt, dead-lettered); not_ours (another worker took the job over).",
        "ops",
        [Query(rate("outcome", "jobs_finished_total"), "{{outcome}}")],
        width=HALF,
    )
