"""Metrics of orders, from placed to final, and of the outbox."""

from collections.abc import Mapping
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from app.telemetry.metrics.counters import counter

ORDER_BUCKETS: Final = (0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0)
STATUSES: Final = ("pending", "paid", "failed", "cancelled")
CANCELLED_FROM: Final = ("pending", "paid")
FINAL_STATUSES: Final = ("paid", "failed")


class OrderMetrics:
    """Counts and times the changes of orders, in the process that makes them."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.placed = Counter("orders_placed", "Orders accepted.", registry=registry)
        self.replayed = Counter(
            "orders_replayed", "Requests answered with the existing order of their Idempotency-Key.", registry=registry
        )
        about = "Orders cancelled, by their status before."
        self.cancelled = counter(registry, "orders_cancelled", about, was=CANCELLED_FROM)
        self.refunded = Counter("orders_refunded", "Cancelled orders that were refunded.", registry=registry)
        self.finished = counter(
            registry, "orders_finished", "Orders that became final, by status.", status=FINAL_STATUSES
        )
        self.processing = Histogram(
            "order_processing_duration_seconds",
            "Time from placing an order to its final status.",
            registry=registry,
            buckets=ORDER_BUCKETS,
        )


class OrderStateMetrics:
    """Gauges of recent orders, read from the database; set by the one process that reconciles."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.recent = Gauge(
            "orders_recent",
            "Orders placed within the last hour, by current status; counts the latest 10000 at most.",
            ("status",),
            registry=registry,
        )
        self.set({})

    def set(self, counts: Mapping[str, int]) -> None:
        """Sets the gauges to the counts by status, and to 0 for statuses without a count."""
        for status in STATUSES:
            self.recent.labels(status).set(counts.get(status, 0))


class OutboxMetrics:
    """Gauges of the outbox, read from the database; set by the one process that reconciles."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.pending = Gauge("outbox_pending_messages", "Pending outbox messages.", registry=registry)
        self.oldest = Gauge(
            "outbox_oldest_message_age_seconds",
            "Age of the oldest pending outbox message; 0 without one.",
            registry=registry,
        )
        self.dead = Gauge(
            "outbox_dead_letters", "Dead-lettered outbox messages, which wait for an operator.", registry=registry
        )
        self.requeued = Counter(
            "outbox_requeued",
            "Outbox messages that the reconciler queued again because they waited too long.",
            registry=registry,
        )
