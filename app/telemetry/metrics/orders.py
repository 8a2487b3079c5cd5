"""Metrics of orders, from placed to final, and of the outbox."""

from collections.abc import Mapping
from typing import Final

from prometheus_client import CollectorRegistry

from app.telemetry.metrics.instruments import counter, gauge, histogram

ORDER_BUCKETS: Final = (0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0)
STATUSES: Final = ("pending", "paid", "failed", "cancelled")
CANCELLED_FROM: Final = ("pending", "paid")
FINAL_STATUSES: Final = ("paid", "failed")


class OrderMetrics:
    """Counts and times the changes of orders, in the process that makes them."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.placed = counter(registry, "orders_placed", "Orders accepted.")
        about = "Requests answered with the existing order of their Idempotency-Key."
        self.replayed = counter(registry, "orders_replayed", about)
        about = "Orders cancelled, by their status before."
        self.cancelled = counter(registry, "orders_cancelled", about, was=CANCELLED_FROM)
        self.refunded = counter(registry, "orders_refunded", "Cancelled orders that were refunded.")
        about = "Orders that became final, by status."
        self.finished = counter(registry, "orders_finished", about, status=FINAL_STATUSES)
        about = "Time from placing an order to its final status."
        self.processing = histogram(registry, "order_processing_duration_seconds", about, ORDER_BUCKETS)


class OrderStateMetrics:
    """Gauges of recent orders, read from the database; set by the one process that reconciles."""

    def __init__(self, registry: CollectorRegistry) -> None:
        about = "Orders placed within the last hour, by current status; counts the latest 10000 at most."
        self.recent = gauge(registry, "orders_recent", about, status=STATUSES)

    def set(self, counts: Mapping[str, int]) -> None:
        """Sets the gauges to the counts by status, and to 0 for statuses without a count."""
        for status in STATUSES:
            self.recent.labels(status).set(counts.get(status, 0))


class OutboxMetrics:
    """Gauges of the outbox, read from the database; set by the one process that reconciles."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.pending = gauge(registry, "outbox_pending_messages", "Pending outbox messages.")
        about = "Age of the oldest pending outbox message; 0 without one."
        self.oldest = gauge(registry, "outbox_oldest_message_age_seconds", about)
        about = "Dead-lettered outbox messages, which wait for an operator."
        self.dead = gauge(registry, "outbox_dead_letters", about)
        about = "Outbox messages that the reconciler queued again because they waited too long."
        self.requeued = counter(registry, "outbox_requeued", about)
