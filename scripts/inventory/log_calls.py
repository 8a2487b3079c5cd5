"""Finds log events in source code: calls `log.<level>("event", field=...)`, and lines written as dictionaries."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

LEVELS: Final = ("debug", "info", "warning", "error", "exception", "critical")
# Arguments that become other fields of the line.
_NOT_FIELDS: Final = frozenset({"exc_info"})


@dataclass(slots=True)
class LogCalls:
    """All calls that log one event. `has_dynamic_fields`: a call adds fields that its source does not name."""

    levels: set[str] = field(default_factory=set)
    fields: set[str] = field(default_factory=set)
    places: list[str] = field(default_factory=list)
    has_dynamic_fields: bool = False


def log_calls(folder: Path) -> dict[str, LogCalls]:
    """Returns the calls of every event in the modules below `folder`."""
    found: dict[str, LogCalls] = {}
    for file in sorted(folder.rglob("*.py")):
        tree = ast.parse(file.read_text(encoding="utf-8"))
        functions = [node for node in ast.walk(tree) if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))]
        for scope in (*functions, tree):
            for node in ast.walk(scope):
                if not (line := _call(node, scope) or _literal(node)):
                    continue
                event, levels, fields, dynamic = line
                entry = found.setdefault(event, LogCalls())
                entry.levels |= levels
                entry.fields |= fields
                entry.has_dynamic_fields |= dynamic
                place = f"{file.relative_to(folder.parent)}:{getattr(node, 'lineno', 0)}"
                if place not in entry.places:
                    entry.places.append(place)
    return found


_Line = tuple[str, set[str], set[str], bool]


def _call(node: ast.AST, scope: ast.AST) -> _Line | None:
    if not (isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant)):
        return None
    event, levels = node.args[0].value, set(_levels(node.func))
    if not (isinstance(event, str) and levels):
        return None
    fields: set[str] = set()
    dynamic = False
    for keyword in node.keywords:
        if keyword.arg is not None:
            fields.add(keyword.arg)
        elif isinstance(keyword.value, ast.Name) and (known := _dictionary(keyword.value.id, scope)):
            fields |= known
        else:
            dynamic = True
    return event, levels, fields - _NOT_FIELDS, dynamic


def _levels(function: ast.expr) -> Iterator[str]:
    if isinstance(function, ast.IfExp):
        yield from _levels(function.body)
        yield from _levels(function.orelse)
    elif isinstance(function, ast.Attribute) and function.attr in LEVELS and _is_logger(function.value):
        yield "error" if function.attr == "exception" else function.attr


def _is_logger(value: ast.expr) -> bool:
    """Recognises `structlog.get_logger()` and the names `log` and `_log`."""
    if isinstance(value, ast.Call):
        return ast.unparse(value).startswith("structlog.get_logger(")
    name = value.attr if isinstance(value, ast.Attribute) else value.id if isinstance(value, ast.Name) else ""
    return name in {"log", "_log"}


def _dictionary(name: str, scope: ast.AST) -> set[str]:
    """Returns the keys of a dictionary literal assigned to `name` in the same scope."""
    for node in ast.walk(scope):
        if (
            isinstance(node, ast.Assign)
            and isinstance(node.value, ast.Dict)
            and any(isinstance(target, ast.Name) and target.id == name for target in node.targets)
        ):
            return _keys(node.value)
    return set()


def _literal(node: ast.AST) -> _Line | None:
    """Reads a dictionary literal with a level and an event as a log line."""
    if not isinstance(node, ast.Dict):
        return None
    values = {
        key.value: value for key, value in zip(node.keys, node.values, strict=True) if isinstance(key, ast.Constant)
    }
    event, level = values.get("event"), values.get("level")
    if not (isinstance(event, ast.Constant) and isinstance(event.value, str) and level is not None):
        return None
    levels = {str(level.value)} if isinstance(level, ast.Constant) else set()
    return event.value, levels, _keys(node) - {"event", "level"}, None in node.keys


def _keys(node: ast.Dict) -> set[str]:
    return {str(key.value) for key in node.keys if isinstance(key, ast.Constant)}
