"""Figures of graphs and heatmaps, as Plotly takes them: https://plotly.com/javascript/reference/."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from grafana.look.prometheus import Exemplar, Range, Series
from grafana.look.units import SUFFIXES

Figure = Mapping[str, Any]
_COLORS: Final = {"red": "#e5484d", "orange": "#f08c00", "green": "#2f9e44", "blue": "#1c7ed6"}
_FULL_LEGEND: Final = 8  # of more series, those that are 0 throughout are left out of the legend
_EXEMPLAR: Final = {"color": "#d6409f", "size": 6, "symbol": "diamond"}


@dataclass(frozen=True)
class Marks:
    """Marks behind every graph: first and last time of each firing alert, and times of deploys."""

    alerts: Sequence[tuple[int, int]] = ()
    deploys: Sequence[int] = ()


def graph(
    panel: Mapping[str, Any], named: Sequence[tuple[str, Series]], over: Range, marks: Marks, points: Sequence[Exemplar]
) -> Figure:
    """Returns lines over time, a gap where a series has no value, with thresholds and marks."""
    defaults = panel["fieldConfig"]["defaults"]
    is_crowded = len(named) > _FULL_LEGEND
    lines: list[dict[str, Any]] = [
        {"type": "scatter", "mode": "lines", "name": name, **_times(over), "y": _rounded(series.values)}
        | {"showlegend": not is_crowded or any(series.values)}
        for name, series in named
    ]
    axis = _axis(defaults["unit"])
    if defaults.get("custom", {}).get("scaleDistribution", {}).get("type") == "log":
        axis |= {"type": "log"}
    else:
        axis |= {"rangemode": "tozero"}
    limits = defaults.get("thresholds", {}).get("steps", [])[1:]
    shapes = [*_shapes(marks), *(_limit(step["value"], step["color"]) for step in limits)]
    if points:
        lines.append(_exemplars(points))
    return {"data": lines, "layout": {"yaxis": axis, "shapes": shapes}}


def heatmap(panel: Mapping[str, Any], series: Sequence[Series], over: Range, points: Sequence[Exemplar]) -> Figure:
    """Returns buckets over time; Prometheus's buckets are cumulative, the cells are not."""
    unit = panel["fieldConfig"]["defaults"]["unit"]
    buckets = sorted(series, key=lambda each: float(each.labels["le"]))
    rows, below = [], [0.0] * len(over.times)
    for bucket in buckets:
        values = [value or 0.0 for value in bucket.values]
        rows.append(_rounded([max(0.0, value - lower) or None for value, lower in zip(values, below, strict=True)]))
        below = values
    bounds = [bucket.labels["le"].replace("+Inf", "more") for bucket in buckets]
    cells = {
        "type": "heatmap",
        **_times(over),
        "y": [f"≤ {bound} {SUFFIXES[unit]}" if bound != "more" else bound for bound in bounds],
        "z": rows,
        "colorscale": "Oranges",
        "reversescale": False,
        "hoverongaps": False,
    }
    traced = len(points)
    note = {"text": f"{traced} traced requests", "x": 1, "y": 1.08, "xref": "paper", "yref": "paper"}
    return {"data": [cells], "layout": {"annotations": [note | {"showarrow": False}] if traced else []}}


def selector(expression: str) -> str:
    """Returns the first selector of an expression, whose exemplars are asked for."""
    found = re.search(r"\w+\{[^}]*\}", expression)
    return found[0] if found else expression


def _exemplars(points: Sequence[Exemplar]) -> dict[str, Any]:
    return {
        "type": "scatter",
        "mode": "markers",
        "name": "traced requests",
        "x": [_time(point.time) for point in points],
        "y": [point.value for point in points],
        "text": [f"trace {point.trace_id}" for point in points],
        "marker": _EXEMPLAR,
    }


def _axis(unit: str) -> dict[str, Any]:
    if unit == "percentunit":
        return {"tickformat": ".1~%"}
    return {"tickformat": ".3~s", "ticksuffix": SUFFIXES[unit]}


def _limit(value: float, color: str) -> dict[str, Any]:
    line = {"color": _COLORS[color], "width": 1.5, "dash": "dash"}
    return {"type": "line", "xref": "paper", "x0": 0, "x1": 1, "y0": value, "y1": value, "line": line}


def _shapes(marks: Marks) -> list[dict[str, Any]]:
    behind = {"yref": "paper", "y0": 0, "y1": 1, "layer": "below"}
    fired = {"type": "rect", "fillcolor": _COLORS["red"], "opacity": 0.12, "line": {"width": 0}}
    deployed = {"type": "line", "line": {"color": _COLORS["blue"], "width": 1.5, "dash": "dot"}}
    return [
        *({**behind, **fired, "x0": _time(start), "x1": _time(end)} for start, end in marks.alerts),
        *({**behind, **deployed, "x0": _time(at), "x1": _time(at)} for at in marks.deploys),
    ]


def _times(over: Range) -> dict[str, Any]:
    """Returns the first time and the milliseconds between two, instead of every time."""
    return {"x0": _time(over.start), "dx": over.step * 1000}


def _rounded(values: Sequence[float | None]) -> list[float | None]:
    return [None if value is None else float(f"{value:.5g}") for value in values]


def _time(second: float) -> str:
    return datetime.fromtimestamp(second, UTC).isoformat(timespec="milliseconds")
