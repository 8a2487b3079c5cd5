"""Log lines for a terminal: every value, but without the ids that only machines use."""

import os
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import IO

import structlog

_FOR_MACHINES = ("request_id", "trace_id", "span_id", "error_type", "error_place")


def renderer(stream: IO[str] | None) -> Callable[[Mapping[str, object]], bytes]:
    """Creates a renderer of lines as text; in colour if the stream is a terminal and NO_COLOR is not set."""
    colours = stream is not None and stream.isatty() and not os.environ.get("NO_COLOR")
    render = structlog.dev.ConsoleRenderer(
        colors=colours,
        sort_keys=False,
        pad_event_to=24,
        pad_level=True,
        exception_formatter=structlog.dev.plain_traceback,
    )

    def render_line(line: Mapping[str, object]) -> bytes:
        shown = {name: value for name, value in line.items() if name not in _FOR_MACHINES and value is not None}
        if line.get("event") == "http_request":
            summary = f"{line.get('status')} {line.get('method')} {line.get('path')}"
            shown = {"level": line.get("level"), "event": summary, "ms": line.get("duration_ms")}
        moment = line.get("timestamp")
        if isinstance(moment, datetime):
            shown["timestamp"] = f"{moment.astimezone():%H:%M:%S}"
        return f"{render(None, str(line.get('level', '')), shown)}\n".encode("utf-8", "backslashreplace")

    return render_line
