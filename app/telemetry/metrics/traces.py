"""Metrics of the spans that this process recorded."""

from typing import Final, Literal

from prometheus_client import CollectorRegistry

from app.telemetry.metrics.instruments import counter

LOSSES: Final = ("queue_full", "export_failed", "shutdown")
Loss = Literal["queue_full", "export_failed", "shutdown"]


class TraceMetrics:
    """Counts spans that the back end took, and dropped spans by reason.

    `queue_full`: the back end takes them too slowly; `export_failed`: it refused a batch or did not answer; `shutdown`:
    the process could not wait any longer.
    """

    def __init__(self, registry: CollectorRegistry) -> None:
        self.exported = counter(registry, "otel_spans_exported", "Spans that the trace back end accepted.")
        dropped = counter(registry, "otel_spans_dropped", "Spans that were dropped, by reason.", reason=LOSSES)
        self._dropped = {reason: dropped.labels(reason) for reason in LOSSES}

    def lost(self, reason: Loss, count: int = 1) -> None:
        self._dropped[reason].inc(count)
