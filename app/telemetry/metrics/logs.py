"""Metrics of lost log lines and error reports, which logs themselves cannot show."""

from prometheus_client import CollectorRegistry, Counter

LEVELS = ("debug", "info", "warning", "error", "critical")


class LogMetrics:
    """Log lines that were suppressed by throttling, and lines that could not be written."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.suppressed = Counter(
            "log_lines_suppressed_total",
            "Log lines suppressed by throttling because they repeat others, by level.",
            ("level",),
            registry=registry,
        )
        self.lost = Counter(
            "log_lines_lost_total",
            "Log lines that could not be written because standard output was closed or full.",
            ("reason",),
            registry=registry,
        )
        for level in LEVELS:
            self.suppressed.labels(level)
        for reason in ("closed", "full"):
            self.lost.labels(reason)

    def count(self, kind: str, label: str) -> None:
        """Counts one line; `kind` is `suppressed`, with a level as label, or `lost`, with a reason."""
        (self.suppressed if kind == "suppressed" else self.lost).labels(label).inc()


class ErrorReportMetrics:
    """Error reports: queued, suppressed and lost."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.reports = Counter(
            "error_reports_total",
            "Errors to report: queued for sending, or suppressed because they repeat others.",
            ("outcome",),
            registry=registry,
        )
        self.lost = Counter(
            "error_reports_lost_total",
            "Error reports that were queued but not delivered, by reason.",
            ("reason",),
            registry=registry,
        )
        for outcome in ("queued", "suppressed"):
            self.reports.labels(outcome)
        for reason in ("network", "queue_full", "rate_limited", "refused", "unsent"):
            self.lost.labels(reason)
