"""Structured logs: one JSON object per line on standard output, in one format for our events and third parties'."""

from app.telemetry.logs.configuration import LEVELS, catch_all, configure, count_in, current_sink, flush, set_level

__all__ = ["LEVELS", "catch_all", "configure", "count_in", "current_sink", "flush", "set_level"]
