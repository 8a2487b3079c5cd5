"""What the chart gives Prometheus: every process scraped, every rule evaluated, no panel without data."""

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.e2e.cluster import eventually, say
from tests.e2e.load import LoadTest, running
from tests.e2e.prometheus import Monitoring
from tests.e2e.release import CHART, NAME, Release
from tests.e2e.watched import CONFIGURED_WITHIN_SECONDS, await_targets

pytestmark = pytest.mark.timed

DASHBOARDS = sorted((Path(__file__).parents[2] / "grafana/dashboards").glob("*.json"))
DATA_WITHIN_SECONDS = 120
# As Grafana does with a scrape every 15 s or faster.
RATE_INTERVAL = "1m"


def test_every_process_is_scraped(by_pods: Release, monitoring: Monitoring) -> None:
    await_targets(by_pods, monitoring, "podMonitor")


def test_every_rule_is_loaded_and_healthy(by_pods: Release, monitoring: Monitoring) -> None:
    groups = yaml.safe_load((CHART / "files/rules.yaml").read_text(encoding="utf-8"))["groups"]
    expected = Counter(rule.get("record") or rule["alert"] for group in groups for rule in group["rules"])

    def healthy() -> bool:
        rules = monitoring.rules(by_pods.namespace.name)
        errors = {rule["name"]: rule["lastError"] for rule in rules if rule.get("lastError")}
        assert not errors
        return Counter(rule["name"] for rule in rules if rule["health"] == "ok") == expected

    eventually(healthy, within=CONFIGURED_WITHIN_SECONDS, what=f"{expected.total()} rules of the chart are healthy")
    say(f"{expected.total()} rules are healthy")


def test_every_panel_has_data(by_pods: Release, monitoring: Monitoring, load_image: str) -> None:
    variables = {"$namespace": by_pods.namespace.name, "$release": NAME, "$__rate_interval": RATE_INTERVAL}
    variables |= dict.fromkeys(("$cluster", "$route", "$pod"), ".*")
    waiting = {title: _filled(query, variables) for title, query in _panel_queries()}
    say(f"{len(waiting)} queries of panels")

    def all_have_data() -> bool:
        for title in [title for title, query in waiting.items() if monitoring.query(query)]:
            del waiting[title]
        say(f"{len(waiting)} queries without data" + (f", such as {next(iter(waiting))}" if waiting else ""))
        return not waiting

    test = LoadTest(load_image, by_pods.address, rate=10, order_rate=1, seconds=DATA_WITHIN_SECONDS, clients=0)
    with running(by_pods.namespace, test):
        # The load is not followed here: its own answer is no matter.
        try:
            eventually(all_have_data, within=DATA_WITHIN_SECONDS, what="every query of every panel gives data")
        except pytest.fail.Exception:
            pytest.fail(f"Without data: {json.dumps(waiting, indent=2)}", pytrace=False)


def test_the_dashboards_offer_the_release(by_pods: Release, monitoring: Monitoring) -> None:
    def offered() -> bool:
        selector = f'build_info{{job="binnacle",namespace="{by_pods.namespace.name}"}}'
        return monitoring.label_values("release", selector) == [NAME]

    eventually(offered, within=CONFIGURED_WITHIN_SECONDS, what=f"the variable release offers {NAME}")


def _panel_queries() -> Iterator[tuple[str, str]]:
    """Each query of each panel, named after both, but for the table of firing alerts, which is empty in health."""
    for file in DASHBOARDS:
        for panel in _panels(json.loads(file.read_text(encoding="utf-8"))):
            for target in panel.get("targets", []):
                if panel["type"] == "table":
                    assert target["expr"].startswith("ALERTS{")
                    continue
                yield f"{file.stem}: {panel['title']}: {target['refId']}", target["expr"]


def _panels(holder: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """A row that is folded holds its panels itself."""
    for panel in holder.get("panels", []):
        yield panel
        yield from _panels(panel)


def _filled(query: str, variables: dict[str, str]) -> str:
    for variable, value in variables.items():
        query = query.replace(variable, value)
    assert "$" not in query, f"a variable that the test does not fill in: {query}"
    return query
