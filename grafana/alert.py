"""Alerting rules as values."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from grafana.board import OVERVIEW_UID

# A path in the repository. Replace it with a URL if you publish the runbooks elsewhere.
RUNBOOKS: Final = "docs/runbooks.md"
WHERE: Final = "{{ $labels.release }} in {{ $labels.namespace }}"


@dataclass(frozen=True, kw_only=True)
class Alert:
    """One alerting rule, which fires after `hold` and ends at once, or after `keep`: durations such as 5m.

    `board` is the uid of the dashboard that shows the cause.
    """

    name: str
    expr: str
    hold: str
    severity: Literal["page", "ticket"]
    summary: str
    description: str
    board: str = OVERVIEW_UID
    keep: str | None = None
    labels: Mapping[str, str] = field(default_factory=dict)

    def rule(self) -> Mapping[str, Any]:
        """Returns the rule as Prometheus takes it, with a link to its runbook."""
        times = {"for": self.hold} | ({} if self.keep is None else {"keep_firing_for": self.keep})
        return {
            "alert": self.name,
            "expr": self.expr,
            **times,
            "labels": {"job": "binnacle", **self.labels, "severity": self.severity},
            "annotations": {
                "summary": self.summary,
                "description": self.description,
                "runbook_url": f"{RUNBOOKS}#{self.name.lower()}",
                "dashboard_uid": self.board,
            },
        }
