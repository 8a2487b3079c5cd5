"""What a dashboard must be. The rules are named after those of Grafana's dashboard-linter where it has the like."""

import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

import promql_parser

from grafana.exported import series
from tests.grafana.promql import nodes, selectors

Dashboard = Mapping[str, Any]
SOURCE: Final = {"type": "prometheus", "uid": "${datasource}"}
COLUMNS: Final = 24


def panels(board: Dashboard) -> list[dict[str, Any]]:
    return [panel for panel in board["panels"] if panel["type"] != "row"]


def targets(board: Dashboard) -> Iterator[tuple[str, dict[str, Any]]]:
    for panel in panels(board):
        for target in panel.get("targets", []):
            yield panel["title"], target


def variable(board: Dashboard, name: str) -> dict[str, Any]:
    found = [each for each in board["templating"]["list"] if each["name"] == name]
    return found[0] if found else {}


def template_datasource(board: Dashboard) -> bool:
    return variable(board, "datasource").get("query") == "prometheus"


def template_on_time_change_reload(board: Dashboard) -> bool:
    return all(each.get("refresh") == 2 for each in board["templating"]["list"] if each["type"] == "query")


def template_label_promql(board: Dashboard) -> bool:
    """Labels of pods come from a series that every pod has; the route is a label of requests."""
    for each in board["templating"]["list"]:
        if each["type"] == "query":
            inner = re.fullmatch(r"label_values\((.+), \w+\)", each["query"])
            source = "http_requests_total" if each["name"] == "route" else "build_info"
            if inner is None or selectors(inner[1])[0].name != source:
                return False
    return True


def panel_datasource(board: Dashboard) -> bool:
    return all(panel.get("datasource") == SOURCE for panel in panels(board)) and all(
        target.get("datasource") == SOURCE for _, target in targets(board)
    )


def panel_title_description(board: Dashboard) -> bool:
    return all(panel.get("title") and panel.get("description") for panel in panels(board))


def panel_units(board: Dashboard) -> bool:
    return all(panel["fieldConfig"]["defaults"].get("unit") for panel in panels(board))


def panel_no_targets(board: Dashboard) -> bool:
    return all(panel.get("targets") for panel in panels(board))


def target_promql(board: Dashboard) -> bool:
    try:
        return all(selectors(target["expr"]) for _, target in targets(board))
    except ValueError:
        return False


def target_release(board: Dashboard) -> bool:
    """As target-job and target-instance are there: every selector is of the one release that is shown."""
    shown = {("job", "binnacle"), ("namespace", "store"), ("release", "shop")}
    return all(
        shown <= {(label, value) for label, operator, value in selector.matchers if operator == "MatchOp.Equal"}
        for _, target in targets(board)
        for selector in selectors(target["expr"])
    )


def target_rate_interval(board: Dashboard) -> bool:
    """A window that a title or description states in words is fixed; all others follow the time range."""
    fixed = {"15m": "last 15 minutes"}
    described = {panel["title"]: panel["description"] for panel in panels(board)}
    return all(
        window == "$__rate_interval" or fixed.get(window, window) in described[title]
        for title, target in targets(board)
        for window in re.findall(r"\[(.+?)\]", target["expr"])
    )


def target_counter_agg(board: Dashboard) -> bool:
    """Counters only inside a rate, and rates only inside a sum."""
    for _, target in targets(board):
        found = nodes(target["expr"])
        inside = {
            node.args[0].vector_selector.name
            for node in found
            if isinstance(node, promql_parser.Call) and node.func.name in ("rate", "increase")
        }
        plain = {node.name or "" for node in found if isinstance(node, promql_parser.VectorSelector)} - inside
        summed = sum(isinstance(node, promql_parser.AggregateExpr) for node in found)
        rates = sum(isinstance(node, promql_parser.Call) and node.func.name in ("rate", "increase") for node in found)
        if summed < rates or any(name.endswith(("_total", "_count", "_sum", "_bucket")) for name in plain):
            return False
    return True


def target_exists(board: Dashboard, recorded: frozenset[str]) -> bool:
    known = set(series()) | recorded | {"ALERTS"}
    return all(selector.name in known for _, target in targets(board) for selector in selectors(target["expr"]))


def target_legend(board: Dashboard) -> bool:
    """A legend names only labels that the query keeps."""
    for _, target in targets(board):
        kept = {
            label
            for node in nodes(target["expr"])
            if isinstance(node, promql_parser.AggregateExpr) and node.modifier is not None
            for label in node.modifier.labels
        }
        used = set(re.findall(r"\{\{(\w+)\}\}", target["legendFormat"]))
        if not target["legendFormat"] or not used <= (kept or {"source", "slo", "alertname"}):
            return False
    return True


def uneditable_dashboard(board: Dashboard) -> bool:
    return board["editable"] is False


def portable(board: Dashboard) -> bool:
    """Loads into any Grafana: a fixed uid, no number of its own, nothing to be asked for."""
    return bool(board["uid"]) and board["id"] is None and "__inputs" not in board


def distinct(board: Dashboard) -> bool:
    every = board["panels"]
    return all(len({panel[key] for panel in every}) == len(every) for key in ("id", "title"))


def tidy(board: Dashboard) -> bool:
    """Panels side by side are of one height and fill the width, without a gap or an overlap."""
    lines: dict[int, list[dict[str, int]]] = defaultdict(list)
    for panel in board["panels"]:
        lines[panel["gridPos"]["y"]].append(panel["gridPos"])
    y = 0
    for top in sorted(lines):
        x = 0
        for place in sorted(lines[top], key=lambda each: each["x"]):
            if (place["x"], place["y"], place["h"]) != (x, y, lines[top][0]["h"]):
                return False
            x += place["w"]
        if x != COLUMNS:
            return False
        y += lines[top][0]["h"]
    return True


RULES: Final[Mapping[str, Callable[[Dashboard], bool]]] = {
    "template-datasource-rule": template_datasource,
    "template-on-time-change-reload-rule": template_on_time_change_reload,
    "template-label-promql-rule": template_label_promql,
    "panel-datasource-rule": panel_datasource,
    "panel-title-description-rule": panel_title_description,
    "panel-units-rule": panel_units,
    "panel-no-targets-rule": panel_no_targets,
    "target-promql-rule": target_promql,
    "target-release-rule": target_release,
    "target-rate-interval-rule": target_rate_interval,
    "target-counter-agg-rule": target_counter_agg,
    "target-legend-rule": target_legend,
    "uneditable-dashboard": uneditable_dashboard,
    "portable-dashboard": portable,
    "distinct-panels": distinct,
    "tidy-layout": tidy,
}
