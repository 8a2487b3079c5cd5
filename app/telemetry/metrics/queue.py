"""Messages of the queue that nothing can be done with."""

from collections.abc import Iterable

from prometheus_client import CollectorRegistry, Counter


class QueueMetrics:
    """`reason`: `undecodable`, `malformed` or `unknown_task`."""

    def __init__(self, registry: CollectorRegistry, reasons: Iterable[str]) -> None:
        self._dropped = Counter(
            "queue_messages_dropped",
            "Messages taken from the queue that could not be read.",
            ("reason",),
            registry=registry,
        )
        for reason in reasons:
            self._dropped.labels(reason)

    def dropped(self, reason: str) -> None:
        """Counts one."""
        self._dropped.labels(reason).inc()
