"""Error reports: of what is handled where it is handled, and of nothing else that a process knows."""

from app.telemetry.errors.reports import FLUSH_SECONDS, capture, close, configure, count_in, report

__all__ = ["FLUSH_SECONDS", "capture", "close", "configure", "count_in", "report"]
