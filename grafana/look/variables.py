"""Grafana's variables in expressions and legends."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from grafana.look.prometheus import Range


@dataclass(frozen=True)
class Variables:
    """Values of a board's variables. A board's choices (cluster, pod, route) are all of them."""

    namespace: str
    release: str
    scrape_seconds: int

    def filled(self, expression: str, over: Range) -> str:
        """Replaces the variables of an expression. Raises ValueError for one that is not known."""
        values = {
            "namespace": self.namespace,
            "release": self.release,
            "__rate_interval": f"{max(over.step + self.scrape_seconds, 4 * self.scrape_seconds)}s",
            **dict.fromkeys(("cluster", "pod", "route"), ".*"),
        }

        def value(match: re.Match[str]) -> str:
            if match[1] not in values:
                raise ValueError(f"${match[1]} is not a variable that this page knows")
            return values[match[1]]

        return re.sub(r"\$(\w+)", value, expression)


def legend(template: str, labels: Mapping[str, str]) -> str:
    """Fills the labels into a legend such as `{{route}}`."""
    return re.sub(r"\{\{(\w+)\}\}", lambda match: labels.get(match[1], ""), template).strip()
