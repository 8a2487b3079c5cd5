"""Time series panel."""

from collections.abc import Sequence
from dataclasses import dataclass

from grafana.panels.shared import Head, Line, Query, target, thresholds
from grafana.sdk import builders, common, common_builders, dashboard, timeseries


@dataclass(frozen=True)
class Graph(Head):
    """Lines over time. `lines` are dashed; `logarithmic` for values over several powers of ten.

    `exemplars`: points that lead to the trace of one request.
    """

    queries: Sequence[Query]
    width: int = 8
    lines: Sequence[Line] = ()
    height: int = 8
    logarithmic: bool = False
    exemplars: bool = False

    def build(self, panel_id: int) -> timeseries.Panel:
        panel: timeseries.Panel = self.begin(timeseries.Panel(), panel_id, self.width, self.height)
        panel.color_scheme(builders.FieldColor().mode(dashboard.FieldColorModeId.PALETTE_CLASSIC))
        panel.fill_opacity(8).show_points(common.VisibilityMode.NEVER)
        panel.legend(
            common_builders.VizLegendOptions()
            .display_mode(common.LegendDisplayMode.LIST)
            .placement(common.LegendPlacement.BOTTOM)
            .show_legend(show_legend=True),
        )
        panel.tooltip(
            common_builders.VizTooltipOptions().mode(common.TooltipDisplayMode.MULTI).sort(common.SortOrder.DESCENDING),
        )
        for index, query in enumerate(self.queries):
            panel.with_target(target(index, query).range().exemplar(exemplar=self.exemplars))
        if self.logarithmic:
            scale = common_builders.ScaleDistributionConfig().type(common.ScaleDistribution.LOG).log(10)
            panel.scale_distribution(scale)
        else:
            panel.min(0)
        if self.lines:
            panel.thresholds(thresholds("transparent", self.lines))
            panel.thresholds_style(
                common_builders.GraphThresholdsStyleConfig().mode(common.GraphThresholdsStyleMode.DASHED),
            )
            # Keeps the threshold visible while the values are far below it.
            panel.axis_soft_max(max(line.value for line in self.lines) * 1.1)
        return panel
