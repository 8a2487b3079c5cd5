"""Shutdown of telemetry: sends what it holds and counts what it lost."""

from prometheus_client import CollectorRegistry

from app.telemetry import errors, logs
from app.telemetry.metrics.logs import ErrorReportMetrics, LogMetrics


def count_losses(registry: CollectorRegistry) -> None:
    """Registers metrics that count lost log lines and error reports from now on."""
    logs.count_in(LogMetrics(registry))
    errors.count_in(ErrorReportMetrics(registry))


def close() -> None:
    """Sends error reports for `errors.FLUSH_SECONDS` at most, then logs the counts of suppressed lines."""
    errors.close()
    logs.flush()
