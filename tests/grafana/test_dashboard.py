"""Every dashboard keeps the rules, and each rule refuses what it is there for."""

import copy
from collections.abc import Callable
from typing import Any

import pytest

from grafana.clock import Clock
from grafana.dashboards import dashboards
from grafana.exported import NOT_SHOWN, families
from grafana.ruleset import rules
from grafana.slo_file import Objective, SloError, Slos, load
from tests.grafana.dashboard_lint import RULES, panels, target_exists, targets
from tests.grafana.promql import selectors

BOARDS = dashboards(load())
RECORDED = frozenset(
    rule["record"] for group in rules(load(), Clock())["groups"] for rule in group["rules"] if "record" in rule
)


@pytest.fixture
def board() -> dict[str, Any]:
    """The board in which faults are planted: its last panel is a graph of a counter's rate."""
    return copy.deepcopy(BOARDS["orders"])


@pytest.mark.parametrize("name", BOARDS)
@pytest.mark.parametrize("rule", RULES)
def test_keeps(name: str, rule: str) -> None:
    assert RULES[rule](BOARDS[name])


@pytest.mark.parametrize("name", BOARDS)
def test_shows_only_what_is_exported_or_recorded(name: str) -> None:
    assert target_exists(BOARDS[name], RECORDED)


def test_a_missing_recording_rule_is_detected() -> None:
    assert not target_exists(BOARDS["overview"], RECORDED - {"slo:error_budget:remaining"})


def test_no_two_boards_have_one_uid_or_title() -> None:
    for key in ("uid", "title"):
        assert len({board[key] for board in BOARDS.values()}) == len(BOARDS)


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
    ("distinct-panels", _panel({"title": "Provider calls"})),
    ("tidy-layout", _panel({"gridPos": {"x": 18, "y": 56, "w": 5, "h": 8}})),
    ("tidy-layout", _panel({"gridPos": {"x": 18, "y": 56, "w": 6, "h": 7}})),
]


@pytest.mark.parametrize(("rule", "plant"), FAULTS)
def test_refuses_a_planted_fault(board: dict[str, Any], rule: str, plant: Callable[[dict[str, Any]], None]) -> None:
    plant(board)
    assert not RULES[rule](board)


def test_every_rule_is_seen_to_refuse() -> None:
    assert {rule for rule, _ in FAULTS} == set(RULES)


@pytest.mark.parametrize(
    ("name", "title", "limit"),
    [
        ("overview", "Request duration", 0.25),
        ("api", "Latency", 0.25),
        ("api", "Latency by route, p95", 0.25),
        ("orders", "Time to finish an order", 10),
    ],
)
def test_draws_the_threshold_of_the_objective(name: str, title: str, limit: float) -> None:
    defaults = _defaults(name, title)
    assert defaults["thresholds"]["steps"][-1] == {"value": limit, "color": "red"}
    assert defaults["custom"]["thresholdsStyle"] == {"mode": "dashed"}


@pytest.mark.parametrize("objective", load().objectives, ids=lambda objective: objective.name)
def test_draws_the_burn_rate_of_every_alert(objective: Objective) -> None:
    defaults = _defaults("overview", f"{objective.title}: burn rate")
    drawn = {step["value"] for step in defaults["thresholds"]["steps"][1:]}
    assert drawn == {alert.factor for alert in load().burn_alerts}


@pytest.mark.parametrize("objective", load().objectives, ids=lambda objective: objective.name)
def test_shows_each_window_of_each_alert(objective: Objective) -> None:
    title = f"{objective.title}: burn by window"
    panel = next(panel for panel in panels(BOARDS["overview"]) if panel["title"] == title)
    assert len(panel["targets"]) == 2 * len(load().burn_alerts)


@pytest.mark.parametrize("name", BOARDS)
def test_alerts_and_deploys_are_marked_on_every_graph(name: str) -> None:
    marked = {annotation["name"]: annotation for annotation in BOARDS[name]["annotations"]["list"]}
    assert set(marked) == {"Alerts", "Deploys"}
    assert marked["Alerts"]["expr"].startswith("ALERTS{")
    assert all(annotation["enable"] for annotation in marked.values())


@pytest.mark.parametrize("name", BOARDS)
def test_each_board_links_to_the_others_with_its_variables_and_time(name: str) -> None:
    (link,) = BOARDS[name]["links"]
    assert link["type"] == "dashboards"
    assert set(link["tags"]) <= set(BOARDS[name]["tags"])
    assert link["keepTime"]
    assert link["includeVars"]


def test_durations_of_requests_lead_to_traces() -> None:
    with_exemplars = {
        (name, title) for name, board in BOARDS.items() for title, target in targets(board) if target.get("exemplar")
    }
    assert with_exemplars == {("overview", "Request duration"), ("api", "Durations"), ("api", "Latency")}


def test_the_objectives_that_they_draw_must_be_there() -> None:
    slos = load()
    without = Slos(slos.window_days, slos.burn_alerts, slos.minimum_bad_events, slos.objectives[:1])
    with pytest.raises(SloError, match="objectives has no latency objective 'latency'"):
        dashboards(without)


@pytest.mark.parametrize("name", BOARDS)
def test_graphs_ask_for_a_range_and_numbers_for_a_moment(name: str) -> None:
    kinds = {panel["title"]: panel["type"] for panel in panels(BOARDS[name])}
    for title, target in targets(BOARDS[name]):
        assert target["instant"] == (kinds[title] in ("stat", "bargauge", "table"))


def test_every_metric_is_on_a_board_in_a_rule_or_listed_with_a_reason() -> None:
    shown = {
        selector.name
        for expr in (
            *(target["expr"] for board in BOARDS.values() for _, target in targets(board)),
            *(rule["expr"] for group in rules(load(), Clock())["groups"] for rule in group["rules"]),
        )
        for selector in selectors(expr)
    }
    unseen = {name for name in families() if not {name, f"{name}_bucket", f"{name}_count"} & shown}
    assert unseen == set(NOT_SHOWN)


def _defaults(name: str, title: str) -> dict[str, Any]:
    found: dict[str, Any] = next(
        panel["fieldConfig"]["defaults"] for panel in panels(BOARDS[name]) if panel["title"] == title
    )
    return found
