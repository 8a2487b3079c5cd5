"""Queries, threshold lines and the data source: parts of all kinds of panels."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from grafana.sdk import builders, common, dashboard, prometheus

DATASOURCE: Final = common.DataSourceRef(type_val="prometheus", uid="${datasource}")


@dataclass(frozen=True)
class Query:
    """An expression and the legend of its series, such as `{{route}}`."""

    expr: str
    legend: str


@dataclass(frozen=True)
class Line:
    """A threshold: the limit of an objective, the burn rate that fires an alert, or the value where a color begins."""

    value: float
    color: Literal["red", "orange", "green"]


@dataclass(frozen=True)
class Head:
    """Title, description and unit of a panel.

    `unit` is Grafana's unit id; `width` counts columns of 24, `height` rows of 30 pixels.
    """

    title: str
    description: str
    unit: str

    def begin(self, panel: Any, panel_id: int, width: int, height: int) -> Any:
        """Fills in a builder of Grafana's SDK, of whatever kind, and returns it."""
        return (
            panel.id(panel_id)
            .title(self.title)
            .description(self.description)
            .datasource(DATASOURCE)
            .unit(self.unit)
            .span(width)
            .height(height)
        )


def target(index: int, query: Query) -> prometheus.Dataquery:
    return (
        prometheus.Dataquery()
        .datasource(DATASOURCE)
        .ref_id(chr(ord("A") + index))
        .expr(query.expr)
        .legend_format(query.legend)
    )


def thresholds(base: str, lines: Sequence[Line]) -> builders.ThresholdsConfig:
    """Returns the colors of values: `base` below the first line."""
    steps = [dashboard.Threshold(value=None, color=base)]
    steps += [dashboard.Threshold(value=line.value, color=line.color) for line in lines]
    return builders.ThresholdsConfig().mode(dashboard.ThresholdsMode.ABSOLUTE).steps(steps)
