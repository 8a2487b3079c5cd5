"""Panels that are text: numbers, lights, bars and tables, as HTML."""

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from grafana.look.prometheus import Series
from grafana.look.units import text

Panel = Mapping[str, Any]


def stat(panel: Panel, named: Sequence[tuple[str, Series]]) -> str:
    """Returns the last value of each series, or its name on a ground in the color of its value."""
    options, unit = panel["options"], _defaults(panel)["unit"]
    only_names, on_ground = options["textMode"] == "name", options["colorMode"] == "background"
    numbers = []
    for name, series in named:
        value = text(series.last, unit)
        color = "" if options["colorMode"] == "none" else _color(panel, series.last)
        shown = f"<b>{escape(name)}</b>" if only_names else f"<b>{value}</b>"
        title = f"{name}: {value}"
        numbers.append(
            f'<span class="{"light" if on_ground else "number"} {color}" title="{escape(title)}">{shown}</span>'
        )
    return f'<div class="stat">{"".join(numbers) or _empty()}</div>'


def bars(panel: Panel, named: Sequence[tuple[str, Series]]) -> str:
    """Returns a bar for each series, as long as its share of the panel's maximum."""
    defaults, rows = _defaults(panel), []
    for name, series in named:
        share = min(max((series.last or 0) / defaults["max"], 0), 1)
        rows.append(
            f"<tr><th>{escape(name)}</th>"
            f'<td class="bar"><i class="{_color(panel, series.last)}" style="width:{share:.1%}"></i></td>'
            f"<td>{text(series.last, defaults['unit'])}</td></tr>"
        )
    return f'<table class="bars">{"".join(rows)}</table>' if rows else _empty()


def table(panel: Panel, series: Sequence[Series]) -> str:
    """Returns a row for each series that has a value at the end, with the columns that the panel keeps."""
    [organize] = [each["options"] for each in panel["transformations"] if each["id"] == "organize"]
    columns = sorted(organize["indexByName"], key=organize["indexByName"].__getitem__)
    head = "".join(f"<th>{escape(column)}</th>" for column in columns)
    present = [[each.labels.get(column, "") for column in columns] for each in series if each.last is not None]
    rows = "".join(f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in row)}</tr>" for row in present)
    return f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>" if rows else _empty("None.")


def _color(panel: Panel, value: float | None) -> str:
    """Returns the color of the last threshold that a value reaches; none without a value."""
    reached = ""
    for step in _defaults(panel).get("thresholds", {}).get("steps", []):
        if value is not None and (step["value"] is None or value >= step["value"]):
            reached = step["color"]
    return reached


def _defaults(panel: Panel) -> Mapping[str, Any]:
    defaults: Mapping[str, Any] = panel["fieldConfig"]["defaults"]
    return defaults


def _empty(message: str = "No data.") -> str:
    return f'<p class="empty">{message}</p>'
