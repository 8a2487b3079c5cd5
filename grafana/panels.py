"""Panels as plain values, and their conversion to the objects of Grafana's SDK."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from grafana.sdk import builders, common, common_builders, dashboard, prometheus, stat, timeseries

DATASOURCE = common.DataSourceRef(type_val="prometheus", uid="${datasource}")


@dataclass(frozen=True)
class Query:
    """An expression and the legend of its series, such as `{{route}}`."""

    expr: str
    legend: str


@dataclass(frozen=True)
class Line:
    """A horizontal threshold line: the limit of an objective, or the burn rate that fires an alert."""

    value: float
    color: Literal["red", "orange", "green"]


@dataclass(frozen=True)
class Graph:
    """Time series panel. `unit` is Grafana's unit id; `width` counts columns of 24."""

    title: str
    description: str
    unit: str
    queries: Sequence[Query]
    width: int = 8
    lines: Sequence[Line] = ()
    height: int = 8

    def build(self, panel_id: int) -> timeseries.Panel:
        panel = (
            timeseries.Panel()
            .id(panel_id)
            .title(self.title)
            .description(self.description)
            .datasource(DATASOURCE)
            .unit(self.unit)
            .min(0)
            .span(self.width)
            .height(self.height)
            .color_scheme(builders.FieldColor().mode(dashboard.FieldColorModeId.PALETTE_CLASSIC))
            .fill_opacity(8)
            .show_points(common.VisibilityMode.NEVER)
            .legend(
                common_builders.VizLegendOptions()
                .display_mode(common.LegendDisplayMode.LIST)
                .placement(common.LegendPlacement.BOTTOM)
                .show_legend(show_legend=True),
            )
            .tooltip(
                common_builders.VizTooltipOptions()
                .mode(common.TooltipDisplayMode.MULTI)
                .sort(common.SortOrder.DESCENDING),
            )
        )
        for index, query in enumerate(self.queries):
            panel.with_target(_target(index, query).range())
        if self.lines:
            panel.thresholds(_thresholds("transparent", self.lines))
            panel.thresholds_style(
                common_builders.GraphThresholdsStyleConfig().mode(common.GraphThresholdsStyleMode.DASHED),
            )
            # Keeps the threshold visible while the values are far below it.
            panel.axis_soft_max(max(line.value for line in self.lines) * 1.1)
        return panel


@dataclass(frozen=True)
class Figure:
    """Stat panel: one number, red below the first threshold line; with `names`, the legend alone."""

    title: str
    description: str
    unit: str
    query: Query
    width: int = 6
    lines: Sequence[Line] = ()
    names: bool = False
    height: int = 4

    def build(self, panel_id: int) -> stat.Panel:
        panel = (
            stat.Panel()
            .id(panel_id)
            .title(self.title)
            .description(self.description)
            .datasource(DATASOURCE)
            .unit(self.unit)
            .span(self.width)
            .height(self.height)
            .color_scheme(builders.FieldColor().mode(dashboard.FieldColorModeId.THRESHOLDS))
            .graph_mode(common.BigValueGraphMode.NONE)
            .color_mode(common.BigValueColorMode.NONE if self.names else common.BigValueColorMode.VALUE)
            .text_mode(common.BigValueTextMode.NAME if self.names else common.BigValueTextMode.AUTO)
            .reduce_options(common_builders.ReduceDataOptions().calcs(["lastNotNull"]))
            .with_target(_target(0, self.query).instant())
        )
        if self.lines:
            panel.thresholds(_thresholds("red", self.lines))
        return panel


Panel = Graph | Figure


def _target(index: int, query: Query) -> prometheus.Dataquery:
    return (
        prometheus.Dataquery()
        .datasource(DATASOURCE)
        .ref_id(chr(ord("A") + index))
        .expr(query.expr)
        .legend_format(query.legend)
    )


def _thresholds(base: str, lines: Sequence[Line]) -> builders.ThresholdsConfig:
    steps = [dashboard.Threshold(value=None, color=base)]
    steps += [dashboard.Threshold(value=line.value, color=line.color) for line in lines]
    return builders.ThresholdsConfig().mode(dashboard.ThresholdsMode.ABSOLUTE).steps(steps)
