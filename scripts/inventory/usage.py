"""Who uses a metric or an event: found in grafana/ and in the runbooks, rather than kept by hand."""

import json
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any, Final

import promql_parser
import yaml

from scripts.tree import ROOT

_SUFFIX: Final = re.compile(r"_(bucket|count|sum)$")
# Grafana fills these in; the parser takes no `$` inside a range.
_VARIABLES: Final = {"$__rate_interval": "5m", "$__range": "5m", "$__interval": "5m"}
Selector = tuple[str, tuple[tuple[str, str, str], ...]]


def selectors(expression: str) -> list[Selector]:
    """Every series that an expression asks for: its name, and its matchers as label, operator, value."""
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
    """Every rule of grafana/rules."""
    for file in sorted((ROOT / "grafana/rules").glob("*.yaml")):
        for group in yaml.safe_load(file.read_text(encoding="utf-8"))["groups"]:
            yield from group["rules"]


def queries() -> Iterator[tuple[str, str]]:
    """The title of each panel of grafana/dashboards, and each of its expressions."""
    for file in sorted((ROOT / "grafana/dashboards").glob("*.json")):
        board = json.loads(file.read_text(encoding="utf-8"))
        panels = [*board["panels"], *(inner for panel in board["panels"] for inner in panel.get("panels", ()))]
        for panel in panels:
            for target in panel.get("targets", ()):
                yield panel["title"], target["expr"]


def metric(name: str) -> str:
    """The family of a series: http_request_duration_seconds of http_request_duration_seconds_bucket."""
    return _SUFFIX.sub("", name)


def of_metrics() -> Mapping[str, list[str]]:
    """By metric: the objectives, alerts, panels and runbooks that use it, directly or through recording rules."""
    recorded: dict[str, set[str]] = defaultdict(set)
    users: dict[str, dict[str, None]] = defaultdict(dict)
    for rule in rules():
        asked = {metric(name) for name, _ in selectors(rule["expr"])}
        behind = set().union(*(recorded.get(_kept(rule, name), {name}) for name in asked))
        if "record" in rule:
            recorded[_kept(rule, rule["record"])] |= behind
            user = f"objective {rule['labels']['slo']}" if "slo" in rule.get("labels", {}) else f"rule {rule['record']}"
        else:
            user = f"alert {rule['alert']}"
        for name in behind:
            users[name][user] = None
    for title, expression in queries():
        for name, _ in selectors(expression):
            users[metric(name)][f"panel {title}"] = None
    for heading, text in runbooks():
        for name in set(re.findall(r"\b[a-z]+(?:_[a-z]+)+\b", text)):
            users[name][f"runbook {heading}"] = None
    return {name: list(found) for name, found in users.items()}


def runbooks() -> Iterator[tuple[str, str]]:
    """The heading and the text of each runbook."""
    text = (ROOT / "docs/runbooks.md").read_text(encoding="utf-8")
    yield from re.findall(r"^## (\w+)\n(.*?)(?=^## |\Z)", text, flags=re.MULTILINE | re.DOTALL)


def _kept(rule: Mapping[str, Any], name: str) -> str:
    """The same recorded name stands for each objective."""
    return f"{rule.get('labels', {}).get('slo', '')}/{name}" if ":" in name else name
