"""Error reports to Sentry, captured where errors are handled and without personal data."""

from app.telemetry.errors.reports import FLUSH_SECONDS, capture, close, configure, count_in, report

__all__ = ["FLUSH_SECONDS", "capture", "close", "configure", "count_in", "report"]
