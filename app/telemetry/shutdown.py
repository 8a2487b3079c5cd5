"""The last thing a process does: what telemetry holds is sent, and what it lost is counted."""

from prometheus_client import CollectorRegistry

from app.telemetry import errors, logs
from app.telemetry.metrics.logs import ErrorReportMetrics, LogMetrics


def count_losses(registry: CollectorRegistry) -> None:
    """Counts from now on what this process's logs and error reports lose."""
    logs.count_in(LogMetrics(registry))
    errors.count_in(ErrorReportMetrics(registry))


def close() -> None:
    """Sends error reports for `errors.FLUSH_SECONDS` at most, then tells which log lines were left out."""
    errors.close()
    logs.flush()
