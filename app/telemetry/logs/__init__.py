"""Logs: one JSON object a line on standard output, ours and third parties' in the same form."""

from app.telemetry.logs.configuration import LEVELS, catch_all, configure, count_in, current_sink, flush, set_level

__all__ = ["LEVELS", "catch_all", "configure", "count_in", "current_sink", "flush", "set_level"]
