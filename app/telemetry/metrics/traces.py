"""What became of the spans that this process recorded."""

from typing import Final, Literal

from prometheus_client import CollectorRegistry, Counter

LOSSES: Final = ("queue_full", "export_failed", "shutdown")
Loss = Literal["queue_full", "export_failed", "shutdown"]


class TraceMetrics:
    """Spans that arrived at the back end, and those that were given up.

    `queue_full`: it takes them too slowly; `export_failed`: it refused a batch or was not there; `shutdown`: the
    process could not wait for it any longer.
    """

    def __init__(self, registry: CollectorRegistry) -> None:
        self.exported = Counter("otel_spans_exported", "Spans that the back end has taken.", registry=registry)
        dropped = Counter("otel_spans_dropped", "Spans that were given up.", ("reason",), registry=registry)
        self._dropped = {reason: dropped.labels(reason) for reason in LOSSES}

    def lost(self, reason: Loss, count: int = 1) -> None:
        self._dropped[reason].inc(count)
