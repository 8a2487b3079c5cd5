"""Metrics of the queue: messages that could not be read."""

from collections.abc import Iterable

from prometheus_client import CollectorRegistry

from app.telemetry.metrics.counters import counter


class DroppedMessageMetrics:
    """Counts dropped messages by reason: `undecodable`, `malformed` or `unknown_task`."""

    def __init__(self, registry: CollectorRegistry, reasons: Iterable[str]) -> None:
        about = "Queue messages dropped because they could not be read."
        self._dropped = counter(registry, "queue_messages_dropped", about, reason=reasons)

    def dropped(self, reason: str) -> None:
        """Counts a dropped message."""
        self._dropped.labels(reason).inc()
