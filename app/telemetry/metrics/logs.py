"""What logs and error reports lose: told nowhere else, since what tells of it is what is lost."""

from prometheus_client import CollectorRegistry, Counter

LEVELS = ("debug", "info", "warning", "error", "critical")


class LogMetrics:
    """Lines that were left out on purpose, and lines that nobody took."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.suppressed = Counter(
            "log_lines_suppressed_total",
            "Log lines suppressed by throttling because they repeat others, by level.",
            ("level",),
            registry=registry,
        )
        self.lost = Counter(
            "log_lines_lost_total",
            "Log lines that could not be written: standard output was closed, or full and not read.",
            ("reason",),
            registry=registry,
        )
        for level in LEVELS:
            self.suppressed.labels(level)
        for reason in ("closed", "full"):
            self.lost.labels(reason)

    def count(self, what: str, label: str) -> None:
        """One line; `what` is `suppressed`, by level, or `lost`, by reason."""
        (self.suppressed if what == "suppressed" else self.lost).labels(label).inc()


class ErrorReportMetrics:
    """Error reports, and what became of those that did not arrive."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.reports = Counter(
            "error_reports_total",
            "Errors that were to be reported: queued for sending, or suppressed because they repeat others.",
            ("outcome",),
            registry=registry,
        )
        self.lost = Counter(
            "error_reports_lost_total",
            "Error reports that were queued and did not arrive, by reason.",
            ("reason",),
            registry=registry,
        )
        for outcome in ("queued", "suppressed"):
            self.reports.labels(outcome)
        for reason in ("network", "queue_full", "rate_limited", "refused", "unsent"):
            self.lost.labels(reason)
