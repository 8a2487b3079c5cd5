"""Metrics of exported and dropped spans."""

from typing import Final, Literal

from prometheus_client import CollectorRegistry, Counter

LOSSES: Final = ("queue_full", "export_failed", "shutdown")
Loss = Literal["queue_full", "export_failed", "shutdown"]


class TraceMetrics:
    """Exported spans, and dropped spans by reason.

    `queue_full`: the back end is too slow. `export_failed`: it refused a batch or did not answer. `shutdown`: the
    process ended before the export.
    """

    def __init__(self, registry: CollectorRegistry) -> None:
        self.exported = Counter("otel_spans_exported", "Spans that the trace back end accepted.", registry=registry)
        dropped = Counter("otel_spans_dropped", "Spans that were dropped, by reason.", ("reason",), registry=registry)
        self._dropped = {reason: dropped.labels(reason) for reason in LOSSES}

    def lost(self, reason: Loss, count: int = 1) -> None:
        self._dropped[reason].inc(count)
