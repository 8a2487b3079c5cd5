"""Orders from being placed to their end, the backlog between, and the provider that is paid."""

from collections.abc import Iterator

from grafana.alerts import STUCK_SECONDS
from grafana.panels import Graph, Line, Panel, Query
from grafana.rows.queries import one, quantiles, rate

QUARTER = 6


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
        [Query(rate("outcome", "provider_requests_total"), "{{outcome}}")],
        width=QUARTER,
    )
    yield Graph(
        "Outbox backlog",
        "Orders that are accepted and not finished, as the database tells it.",
        "none",
        [Query(f"max({one('outbox_pending_messages')})", "pending")],
        width=QUARTER,
    )
    yield Graph(
        "Age of the oldest in the outbox",
        "How long the oldest unfinished order has waited. Dashed: orders count as stuck.",
        "s",
        [Query(f"max({one('outbox_oldest_message_age_seconds')})", "oldest")],
        width=QUARTER,
        lines=[Line(STUCK_SECONDS, "red")],
    )
    yield Graph(
        "Orders queued again",
        "Orders a second that the reconciler queued again since nobody had finished them; 0 while the queue keeps all.",
        "ops",
        [Query(rate("", "outbox_requeued_total"), "queued again")],
        width=QUARTER,
    )
    yield Graph(
        "Provider latency",
        "Half, 95 % and 99 % of calls to the payment provider took at most this long.",
        "s",
        quantiles("provider_request_duration_seconds"),
        width=QUARTER,
    )
