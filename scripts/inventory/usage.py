"""Finds the objectives, alerts, panels and runbooks that use a metric or an event."""

import json
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any, Final

import promql_parser
import yaml

from scripts.generated_files import ROOT

_SUFFIX: Final = re.compile(r"_(bucket|count|sum)$")
# Grafana replaces these variables; the parser rejects `$` inside a range.
_VARIABLES: Final = {"$__rate_interval": "5m", "$__range": "5m", "$__interval": "5m"}
Selector = tuple[str, tuple[tuple[str, str, str], ...]]


def selectors(expression: str) -> list[Selector]:
    """Returns every selector of an expression: the name, and the matchers as label, operator, value."""
    for variable, value in _VARIABLES.items():
        expression = expression.replace(variable, value)
    found: list[Selector] = []

    def visit(node: object) -> None:
        if isinstance(node, promql_parser.VectorSelector):
            matchers = tuple((match.name, str(match.op), match.value) for match in node.matchers.matchers)
            found.append((node.name or "", matchers))

    promql_parser.walk(promql_parser.parse(expression), visit)
    return found


def rules() -> Iterator[dict[str, Any]]:
    """Yields every rule of grafana/rules."""
    for file in sorted((ROOT / "grafana/rules").glob("*.yaml")):
        for group in yaml.safe_load(file.read_text(encoding="utf-8"))["groups"]:
            yield from group["rules"]


def queries() -> Iterator[tuple[str, str]]:
    """Yields panel title and expression of every query in grafana/dashboards."""
    for file in sorted((ROOT / "grafana/dashboards").glob("*.json")):
        board = json.loads(file.read_text(encoding="utf-8"))
        panels = [*board["panels"], *(inner for panel in board["panels"] for inner in panel.get("panels", ()))]
        for panel in panels:
            for target in panel.get("targets", ()):
                yield panel["title"], target["expr"]


def family(name: str) -> str:
    """Returns the metric family of a series: `x_seconds` for `x_seconds_bucket`, `_count` and `_sum`."""
    return _SUFFIX.sub("", name)


def metric_users() -> Mapping[str, list[str]]:
    """Returns by metric the objectives, alerts, panels and runbooks that use it, also through recording rules."""
    recorded: dict[str, set[str]] = defaultdict(set)
    users: dict[str, dict[str, None]] = defaultdict(dict)
    for rule in rules():
        selected = {family(name) for name, _ in selectors(rule["expr"])}
        behind = set().union(*(recorded.get(_recorded_key(rule, name), {name}) for name in selected))
        if "record" in rule:
            recorded[_recorded_key(rule, rule["record"])] |= behind
            user = f"objective {rule['labels']['slo']}" if "slo" in rule.get("labels", {}) else f"rule {rule['record']}"
        else:
            user = f"alert {rule['alert']}"
        for name in behind:
            users[name][user] = None
    for title, expression in queries():
        for name, _ in selectors(expression):
            users[family(name)][f"panel {title}"] = None
    for heading, text in runbooks():
        for name in set(re.findall(r"\b[a-z]+(?:_[a-z]+)+\b", text)):
            users[name][f"runbook {heading}"] = None
    return {name: list(found) for name, found in users.items()}


def runbooks() -> Iterator[tuple[str, str]]:
    """Yields heading and text of each runbook."""
    text = (ROOT / "docs/runbooks.md").read_text(encoding="utf-8")
    yield from re.findall(r"^## (\w+)\n(.*?)(?=^## |\Z)", text, flags=re.MULTILINE | re.DOTALL)


def _recorded_key(rule: Mapping[str, Any], name: str) -> str:
    """Distinguishes equal recorded names by their objective."""
    return f"{rule.get('labels', {}).get('slo', '')}/{name}" if ":" in name else name
