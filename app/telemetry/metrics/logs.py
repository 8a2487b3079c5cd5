"""Metrics of lost log lines and error reports, which no log line and no report can mention."""

from prometheus_client import CollectorRegistry

from app.telemetry.metrics.counters import counter

LEVELS = ("debug", "info", "warning", "error", "critical")


class LogMetrics:
    """Counts lines that throttling suppressed, and lines that could not be written."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.suppressed = counter(
            registry,
            "log_lines_suppressed_total",
            "Log lines suppressed by throttling because they repeat others, by level.",
            level=LEVELS,
        )
        self.lost = counter(
            registry,
            "log_lines_lost_total",
            "Log lines that could not be written because standard output was closed or full.",
            reason=("closed", "full"),
        )

    def count(self, what: str, label: str) -> None:
        """Counts a line; `what` is `suppressed`, by level, or `lost`, by reason."""
        (self.suppressed if what == "suppressed" else self.lost).labels(label).inc()


class ErrorReportMetrics:
    """Counts error reports, and those that did not arrive by reason."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.reports = counter(
            registry,
            "error_reports_total",
            "Errors to report: queued for sending, or suppressed because they repeat others.",
            outcome=("queued", "suppressed"),
        )
        self.lost = counter(
            registry,
            "error_reports_lost_total",
            "Error reports that were queued but not delivered, by reason.",
            reason=("network", "queue_full", "rate_limited", "refused", "unsent"),
        )
