"""The service dashboard keeps the rules, and each rule refuses what it is there for."""

import copy
from collections.abc import Callable
from typing import Any

import pytest

from grafana.clock import Clock
from grafana.ruleset import rules
from grafana.service_dashboard import service_dashboard
from grafana.slo import SloError, Slos, load
from tests.grafana.dashboard_lint import RULES, panels, target_exists, targets


@pytest.fixture(scope="module")
def board() -> dict[str, Any]:
    return service_dashboard(load())


@pytest.mark.parametrize("rule", RULES)
def test_keeps(board: dict[str, Any], rule: str) -> None:
    assert RULES[rule](board)


def test_shows_only_what_is_exported_or_recorded(board: dict[str, Any]) -> None:
    groups = rules(load(), Clock())["groups"]
    recorded = frozenset(rule["record"] for group in groups for rule in group["rules"] if "record" in rule)
    assert target_exists(board, recorded)
    assert not target_exists(board, recorded - {"slo:error_budget:remaining"})


def _target(key: str, value: str) -> Callable[[dict[str, Any]], None]:
    return lambda board: panels(board)[-1]["targets"][0].update({key: value})


def _panel(change: dict[str, Any]) -> Callable[[dict[str, Any]], None]:
    return lambda board: panels(board)[-1].update(change)


def _board(change: dict[str, Any]) -> Callable[[dict[str, Any]], None]:
    return lambda board: board.update(change)


def _variable(index: int, change: dict[str, Any]) -> Callable[[dict[str, Any]], None]:
    return lambda board: board["templating"]["list"][index].update(change)


SHOWN = 'job="binnacle",namespace="$namespace",release="$release"'
FAULTS: list[tuple[str, Callable[[dict[str, Any]], None]]] = [
    ("template-datasource-rule", _variable(0, {"name": "source"})),
    ("template-on-time-change-reload-rule", _variable(1, {"refresh": 1})),
    ("template-label-promql-rule", _variable(2, {"query": "label_values(up, release)"})),
    ("panel-datasource-rule", _panel({"datasource": {"type": "prometheus", "uid": "prometheus"}})),
    ("panel-title-description-rule", _panel({"description": ""})),
    ("panel-units-rule", _panel({"fieldConfig": {"defaults": {}}})),
    ("panel-no-targets-rule", _panel({"targets": []})),
    ("target-promql-rule", _target("expr", "sum by (")),
    ("target-release-rule", _target("expr", 'up{job="binnacle"}')),
    ("target-rate-interval-rule", _target("expr", f"sum(rate(orders_placed_total{{{SHOWN}}}[5m]))")),
    ("target-counter-agg-rule", _target("expr", f"sum(orders_placed_total{{{SHOWN}}})")),
    ("target-counter-agg-rule", _target("expr", f"rate(orders_placed_total{{{SHOWN}}}[5m])")),
    ("target-legend-rule", _target("legendFormat", "{{route}}")),
    ("target-legend-rule", _target("legendFormat", "")),
    ("uneditable-dashboard", _board({"editable": True})),
    ("portable-dashboard", _board({"id": 7})),
    ("portable-dashboard", _board({"__inputs": []})),
    ("distinct-panels", _panel({"title": "Latency"})),
    ("tidy-layout", _panel({"gridPos": {"x": 18, "y": 56, "w": 5, "h": 8}})),
    ("tidy-layout", _panel({"gridPos": {"x": 18, "y": 56, "w": 6, "h": 7}})),
]


@pytest.mark.parametrize(("rule", "plant"), FAULTS)
def test_refuses_a_planted_fault(board: dict[str, Any], rule: str, plant: Callable[[dict[str, Any]], None]) -> None:
    faulty = copy.deepcopy(board)
    plant(faulty)
    assert not RULES[rule](faulty)


def test_every_rule_is_seen_to_refuse() -> None:
    assert {rule for rule, _ in FAULTS} == set(RULES)


@pytest.mark.parametrize(
    ("title", "limit"), [("Latency", 0.25), ("Latency by route, p95", 0.25), ("Time to finish an order", 10)]
)
def test_draws_the_threshold_of_the_objective(board: dict[str, Any], title: str, limit: float) -> None:
    defaults = next(panel["fieldConfig"]["defaults"] for panel in panels(board) if panel["title"] == title)
    assert defaults["thresholds"]["steps"][-1] == {"value": limit, "color": "red"}
    assert defaults["custom"]["thresholdsStyle"] == {"mode": "dashed"}


def test_draws_the_pace_of_every_alert(board: dict[str, Any]) -> None:
    slos = load()
    for objective in slos.objectives:
        title = f"{objective.title}: burn rate"
        defaults = next(panel["fieldConfig"]["defaults"] for panel in panels(board) if panel["title"] == title)
        drawn = {step["value"] for step in defaults["thresholds"]["steps"][1:]}
        assert drawn == {alert.factor for alert in slos.burn_alerts}


def test_alerts_are_marked_on_every_graph(board: dict[str, Any]) -> None:
    (annotation,) = board["annotations"]["list"]
    assert annotation["expr"].startswith("ALERTS{")
    assert annotation["enable"]


def test_the_objectives_that_it_draws_must_be_there() -> None:
    slos = load()
    without = Slos(slos.window_days, slos.burn_alerts, slos.minimum_bad_events, slos.objectives[:1])
    with pytest.raises(SloError, match="objectives has no latency objective 'latency'"):
        service_dashboard(without)


def test_graphs_ask_for_a_range_and_figures_for_a_moment(board: dict[str, Any]) -> None:
    kinds = {panel["title"]: panel["type"] for panel in panels(board)}
    for title, target in targets(board):
        assert target["instant"] == (kinds[title] == "stat")
