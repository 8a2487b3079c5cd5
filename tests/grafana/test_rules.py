"""The rules select what exists, and every alert says enough to act on."""

import re
from collections.abc import Iterator
from typing import Any

import promql_parser
import pytest

from grafana.clock import Clock
from grafana.exported import buckets, series
from grafana.recording import window_name
from grafana.ruleset import rules
from grafana.slo_file import load
from tests.grafana.promql import nodes, selectors

# What scraping adds, and the series that Prometheus makes itself.
TARGET = {"job", "namespace", "release", "component", "pod", "container"}
RECORDED = {"job", "namespace", "release", "slo", "source", "sloth_id"}


def _rules() -> Iterator[dict[str, Any]]:
    for group in rules(load(), Clock())["groups"]:
        yield from group["rules"]


NO_TIMES = {"expr": "", "for": "", "keep_firing_for": ""}
ALL = list(_rules())
ALERTS = [rule for rule in ALL if "alert" in rule]


def _identity(rule: dict[str, Any]) -> str:
    labels = rule["labels"]
    name = rule.get("alert") or rule.get("record")
    return "-".join(
        [
            str(name),
            *(labels[key] for key in ("slo", "sloth_slo", "source", "severity", "sloth_window") if key in labels),
        ]
    )


@pytest.mark.parametrize("rule", ALL, ids=_identity)
def test_every_selector_finds_something_that_exists(rule: dict[str, Any]) -> None:
    exported = {name: labels | TARGET for name, labels in series().items()} | {"up": TARGET}
    recorded = {each["record"]: RECORDED for each in ALL if "record" in each}
    known = exported | recorded
    chosen = selectors(rule["expr"])
    assert chosen
    for selector in chosen:
        assert selector.name in known
        assert selector.labels <= known[selector.name]


@pytest.mark.parametrize("rule", ALL, ids=_identity)
def test_every_selector_can_be_narrowed_to_a_release_at_its_job(rule: dict[str, Any]) -> None:
    for selector in selectors(rule["expr"]):
        assert ("job", "MatchOp.Equal", "binnacle") in selector.matchers
    assert rule["expr"].count('job="binnacle"') == len(selectors(rule["expr"]))
    assert rule["labels"]["job"] == "binnacle"


def test_thresholds_are_buckets_as_they_are_exported() -> None:
    bounds = {
        (selector.name.removesuffix("_bucket"), value)
        for rule in ALL
        for selector in selectors(rule["expr"])
        for label, _, value in selector.matchers
        if label == "le"
    }
    assert bounds == {("http_request_duration_seconds", "0.25"), ("order_processing_duration_seconds", "10.0")}
    for histogram, bound in bounds:
        assert float(bound) in buckets()[histogram]


@pytest.mark.parametrize("alert", ALERTS, ids=_identity)
def test_every_alert_says_what_where_and_how_bad(alert: dict[str, Any]) -> None:
    assert alert["labels"]["severity"] in {"page", "ticket"}
    assert alert["for"]
    text = alert["annotations"]
    for label in ("release", "namespace"):
        assert f"{{{{ $labels.{label} }}}}" in text["summary"]
    grouped = {
        label
        for node in nodes(alert["expr"])
        if isinstance(node, promql_parser.AggregateExpr) and node.modifier is not None
        for label in node.modifier.labels
    }
    used = set(re.findall(r"\$labels\.(\w+)", text["summary"] + text["description"]))
    assert used <= (grouped or RECORDED)


def test_every_objective_has_one_page_and_one_ticket() -> None:
    burns = [(rule["labels"]["slo"], rule["labels"]["severity"]) for rule in ALERTS if "slo" in rule["labels"]]
    assert len(set(burns)) == len(burns) == len(load().objectives) * 2


def test_an_alert_on_a_budget_looks_at_each_of_its_windows() -> None:
    slos = load()
    for rule in ALERTS:
        if "slo" in rule["labels"]:
            rows = [row for row in slos.burn_alerts if row.severity == rule["labels"]["severity"]]
            named = [window_name(minutes) for row in rows for minutes in (row.long_minutes, row.short_minutes)]
            assert re.findall(r"slo:error:ratio(\w+)\{", rule["expr"]) == named


def test_a_cause_is_a_ticket_unless_no_objective_can_see_it() -> None:
    pages = {rule["alert"] for rule in ALERTS if "slo" not in rule["labels"] and rule["labels"]["severity"] == "page"}
    assert pages == {"BinnacleOrdersStuck", "BinnacleMetricsMissing"}


def test_a_faster_clock_changes_times_and_nothing_else() -> None:
    slow, fast = (rules(load(), Clock(compress))["groups"] for compress in (1, 30))
    ranges = re.compile(r"\[\w+\]|\* \d+ >=")
    for before, after in zip(slow, fast, strict=True):
        assert (before["interval"], after["interval"]) == ("30s", "5s")
        for old, new in zip(before["rules"], after["rules"], strict=True):
            assert ranges.sub("", new["expr"]) == ranges.sub("", old["expr"])
            assert {**new, **NO_TIMES} == {**old, **NO_TIMES}


@pytest.mark.parametrize(
    ("minutes", "compress", "expected"),
    [(60, 1, "1h"), (60, 30, "2m"), (30, 30, "1m"), (5, 30, "15s"), (4320, 30, "144m"), (60, 120, "30s")],
)
def test_a_window_is_never_shorter_than_a_scrape_can_fill(minutes: int, compress: int, expected: str) -> None:
    assert Clock(compress).range(minutes) == expected
