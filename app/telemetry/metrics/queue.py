"""Metrics of queue messages that cannot be processed."""

from collections.abc import Iterable

from prometheus_client import CollectorRegistry, Counter


class QueueMetrics:
    """Dropped messages by `reason`: `undecodable`, `malformed` or `unknown_task`."""

    def __init__(self, registry: CollectorRegistry, reasons: Iterable[str]) -> None:
        self._dropped = Counter(
            "queue_messages_dropped",
            "Queue messages dropped because they could not be read.",
            ("reason",),
            registry=registry,
        )
        for reason in reasons:
            self._dropped.labels(reason)

    def dropped(self, reason: str) -> None:
        """Counts a dropped message."""
        self._dropped.labels(reason).inc()
