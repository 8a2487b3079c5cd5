"""Every alert has a runbook, every runbook an alert."""

import re

import pytest

from grafana.clock import Clock
from grafana.dashboards import dashboards
from grafana.generate import ROOT
from grafana.ruleset import rules
from grafana.slo_file import load
from tests.grafana.dashboard_lint import panels

ALERTS = {
    rule["alert"]: rule["annotations"]
    for group in rules(load(), Clock())["groups"]
    for rule in group["rules"]
    if "alert" in rule
}
BOARDS = dashboards(load())
PARTS = ["What it means", "First look", "Likely causes", "How to fix it", "How to verify"]
TEXT = (ROOT / "docs/runbooks.md").read_text(encoding="utf-8")
RUNBOOKS = dict(re.findall(r"^## (\w+)\n(.*?)(?=^## |\Z)", TEXT, flags=re.MULTILINE | re.DOTALL))


def test_alerts_and_headings_are_the_same() -> None:
    assert list(RUNBOOKS) == list(ALERTS)


@pytest.mark.parametrize("alert", ALERTS)
def test_a_runbook_has_every_part_and_something_to_say_in_each(alert: str) -> None:
    found = re.findall(r"^### (.+)\n\n(\S.*)", RUNBOOKS[alert], flags=re.MULTILINE)
    assert [part for part, _ in found] == PARTS


@pytest.mark.parametrize("alert", ALERTS)
def test_the_alert_leads_to_its_runbook(alert: str) -> None:
    path, _, anchor = ALERTS[alert]["runbook_url"].partition("#")
    assert (ROOT / path).is_file()
    assert anchor == alert.lower()


@pytest.mark.parametrize("alert", ALERTS)
def test_the_panels_that_a_runbook_names_are_on_their_boards(alert: str) -> None:
    titles = {(name, panel["title"]) for name, board in BOARDS.items() for panel in panels(board)}
    named = re.findall(r"panel\s\*\*(.+?)\*\*(?:\s\((\w+)\))?", RUNBOOKS[alert])
    assert named
    assert {(board, title) for title, board in named} <= titles


@pytest.mark.parametrize("alert", ALERTS)
def test_the_alert_names_a_board_that_exists(alert: str) -> None:
    assert ALERTS[alert]["dashboard_uid"] in {board["uid"] for board in BOARDS.values()}
