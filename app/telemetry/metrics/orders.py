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
            "orders_replayed", "Requests answered with the order that their Idempotency-Key made.", registry=registry
        )
        about = "Orders cancelled, by the status that they had."
        self.cancelled = counter(registry, "orders_cancelled", about, was=CANCELLED_FROM)
        self.refunded = Counter("orders_refunded", "Cancelled orders whose money went back.", registry=registry)
        self.finished = counter(registry, "orders_finished", "Orders that became final.", status=FINAL_STATUSES)
        self.processing = Histogram(
            "order_processing_duration_seconds",
            "From placing an order to its final status.",
            registry=registry,
            buckets=ORDER_BUCKETS,
        )


class OrderStateMetrics:
    """Gauges of recent orders, read from the database; set by the one process that reconciles."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.recent = Gauge(
            "orders_recent",
            "Orders placed within the last hour, by their status now; the latest 10000 at most.",
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
        self.pending = Gauge("outbox_pending_messages", "Messages not done yet.", registry=registry)
        self.oldest = Gauge(
            "outbox_oldest_message_age_seconds", "Age of the oldest message not done yet, else 0.", registry=registry
        )
        self.dead = Gauge(
            "outbox_dead_letters", "Messages that were given up and wait for a person.", registry=registry
        )
        self.requeued = Counter("outbox_requeued", "Messages queued again after waiting too long.", registry=registry)
