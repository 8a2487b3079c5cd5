"""A log line as one JSON object, whatever its values are."""

import json
import math
from collections.abc import Mapping
from typing import Any, Final

import orjson

from app.telemetry.logs.output import LONGEST_LINE_BYTES

_OPTIONS: Final = orjson.OPT_APPEND_NEWLINE | orjson.OPT_UTC_Z  # keys that are no strings: for those who have time
_CORE: Final = ("timestamp", "level", "event", "logger", "route", "status", "request_id", "trace_id", "span_id")
_SHORT: Final = 256
_DEEPEST: Final = 4


def encoded(line: Mapping[str, object]) -> bytes:
    """The line as JSON, whatever its values are, and never longer than a pipe takes whole."""
    try:
        data = orjson.dumps(line, default=_told, option=_OPTIONS)
    except (TypeError, ValueError):  # a lone surrogate, a key that is no text, a number above 64 bits, a circle
        data = _patiently(_plain(line, 0))
    if len(data) <= LONGEST_LINE_BYTES:
        return data
    short = {name: _shortened(value) for name, value in line.items()} | {"cut": True}
    data = _patiently(_plain(short, 0))
    if len(data) > LONGEST_LINE_BYTES:
        data = _patiently(_plain({name: short[name] for name in _CORE if name in short} | {"cut": True}, 0))
    return data


def _patiently(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=True, allow_nan=False, separators=(",", ":")).encode() + b"\n"


def _told(value: object) -> str:
    try:
        return str(value)
    except Exception:  # noqa: BLE001 -- somebody else's __str__ must not end a line
        return f"<{type(value).__name__}>"


def _plain(value: object, depth: int) -> Any:
    """The value in what every JSON reader takes."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int):
        return int(value) if abs(value) < 1 << 53 else str(value) if abs(value) < 1 << 4096 else "<a huge number>"
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else None
    if isinstance(value, Mapping) and depth < _DEEPEST:
        return {str(_plain(key, _DEEPEST)): _plain(each, depth + 1) for key, each in list(value.items())[:64]}
    if isinstance(value, (list, tuple)) and depth < _DEEPEST:
        return [_plain(each, depth + 1) for each in value[:64]]
    text = value if isinstance(value, str) else _told(value)
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def _shortened(value: object) -> object:
    text = value if isinstance(value, str) else _told(value)
    if len(text) <= _SHORT:
        return value
    return f"{text[:_SHORT]}…"
