"""What an expression selects, as the parser sees it."""

from collections.abc import Mapping
from dataclasses import dataclass

import promql_parser

# Grafana fills these in; the parser takes no `$` inside a range.
VARIABLES: Mapping[str, str] = {
    "$__rate_interval": "5m",
    "$namespace": "store",
    "$release": "shop",
    "$cluster": ".*",
    "$route": ".*",
    "$pod": ".*",
}


@dataclass(frozen=True)
class Selector:
    """A metric by name, and its matchers as label, operator, value."""

    name: str
    matchers: frozenset[tuple[str, str, str]]

    @property
    def labels(self) -> set[str]:
        return {label for label, _, _ in self.matchers}


def filled(expression: str) -> str:
    for variable, value in VARIABLES.items():
        expression = expression.replace(variable, value)
    return expression


def selectors(expression: str) -> list[Selector]:
    """Every selector of an expression; raises ValueError when it is not PromQL."""
    return [
        Selector(
            node.name or "",
            frozenset((matcher.name, str(matcher.op), matcher.value) for matcher in node.matchers.matchers),
        )
        for node in nodes(expression)
        if isinstance(node, promql_parser.VectorSelector)
    ]


def nodes(expression: str) -> list[object]:
    """Every node of an expression, the outer ones first; raises ValueError when it is not PromQL."""
    found: list[object] = []
    promql_parser.walk(promql_parser.parse(filled(expression)), found.append)
    return found
