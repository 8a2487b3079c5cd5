"""Metrics of lost log lines and error reports, which no log line and no report can mention."""

from prometheus_client import CollectorRegistry

from app.telemetry.metrics.instruments import counter

LEVELS = ("debug", "info", "warning", "error", "critical")
REPORT_LOSSES = ("network", "queue_full", "rate_limited", "refused", "unsent")


class LogMetrics:
    """Counts lines that throttling suppressed, and lines that could not be written."""

    def __init__(self, registry: CollectorRegistry) -> None:
        about = "Log lines suppressed by throttling because they repeat others, by level."
        self.suppressed = counter(registry, "log_lines_suppressed", about, level=LEVELS)
        about = "Log lines that could not be written because standard output was closed or full."
        self.lost = counter(registry, "log_lines_lost", about, reason=("closed", "full"))

    def count(self, what: str, label: str, lines: int) -> None:
        """Counts lines; `what` is `suppressed`, by level, or `lost`, by reason."""
        (self.suppressed if what == "suppressed" else self.lost).labels(label).inc(lines)


class ErrorReportMetrics:
    """Counts error reports, and those that did not arrive by reason."""

    def __init__(self, registry: CollectorRegistry) -> None:
        about = "Errors to report: queued for sending, or suppressed because they repeat others."
        self.reports = counter(registry, "error_reports", about, outcome=("queued", "suppressed"))
        about = "Error reports that were queued but not delivered, by reason."
        self.lost = counter(registry, "error_reports_lost", about, reason=REPORT_LOSSES)
