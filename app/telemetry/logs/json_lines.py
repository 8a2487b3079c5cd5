"""Encodes a log line as one JSON object, also if its values are not valid JSON."""

import json
import math
from collections.abc import Mapping
from typing import Any, Final

import orjson

from app.telemetry.logs.output import MAX_LINE_BYTES

_OPTIONS: Final = orjson.OPT_APPEND_NEWLINE | orjson.OPT_UTC_Z  # other keys than strings take the slow path
_CORE: Final = ("timestamp", "level", "event", "logger", "route", "status", "request_id", "trace_id", "span_id")
_MAX_SHORTENED: Final = 256
_MAX_DEPTH: Final = 4


def encoded(line: Mapping[str, object]) -> bytes:
    """Encodes any line as JSON, shortened to what a pipe writes atomically."""
    try:
        data = orjson.dumps(line, default=_text, option=_OPTIONS)
    except (TypeError, ValueError):  # a lone surrogate, a key that is not a string, an integer above 64 bits, a cycle
        data = _dumps_slowly(_plain(line, 0))
    if len(data) <= MAX_LINE_BYTES:
        return data
    short = {name: _shortened(value) for name, value in line.items()} | {"cut": True}
    data = _dumps_slowly(_plain(short, 0))
    if len(data) > MAX_LINE_BYTES:
        data = _dumps_slowly(_plain({name: short[name] for name in _CORE if name in short} | {"cut": True}, 0))
    return data


def _dumps_slowly(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=True, allow_nan=False, separators=(",", ":")).encode() + b"\n"


def _text(value: object) -> str:
    try:
        return str(value)
    except Exception:  # noqa: BLE001 -- a faulty __str__ must not lose the line
        return f"<{type(value).__name__}>"


def _plain(value: object, depth: int) -> Any:
    """Converts a value to types that every JSON parser accepts."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int):
        return int(value) if abs(value) < 1 << 53 else str(value) if abs(value) < 1 << 4096 else "<a huge number>"
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else None
    if isinstance(value, Mapping) and depth < _MAX_DEPTH:
        return {str(_plain(key, _MAX_DEPTH)): _plain(each, depth + 1) for key, each in list(value.items())[:64]}
    if isinstance(value, (list, tuple)) and depth < _MAX_DEPTH:
        return [_plain(each, depth + 1) for each in value[:64]]
    text = value if isinstance(value, str) else _text(value)
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def _shortened(value: object) -> object:
    text = value if isinstance(value, str) else _text(value)
    return value if len(text) <= _MAX_SHORTENED else f"{text[:_MAX_SHORTENED]}…"
