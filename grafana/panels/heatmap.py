"""Heatmap of a histogram."""

from dataclasses import dataclass

from grafana.panels.shared import Head, Query, target
from grafana.sdk import PromQueryFormat, heatmap, heatmap_models


@dataclass(frozen=True)
class Heatmap(Head):
    """Buckets of a histogram over time; `query` is their increase by `le`. Its exemplars lead to traces."""

    query: Query
    width: int = 12
    height: int = 8

    def build(self, panel_id: int) -> heatmap.Panel:
        panel: heatmap.Panel = self.begin(heatmap.Panel(), panel_id, self.width, self.height)
        panel.calculate(calculate=False)
        panel.color(
            heatmap.HeatmapColorOptions()
            .mode(heatmap_models.HeatmapColorMode.SCHEME)
            .scheme("Oranges")
            .scale(heatmap_models.HeatmapColorScale.EXPONENTIAL)
            .exponent(0.5)
            .steps(64)
        )
        panel.y_axis(heatmap.YAxisConfig().unit(self.unit))
        panel.tooltip(heatmap.HeatmapTooltip().y_histogram(y_histogram=True))
        panel.rows_frame(heatmap.RowsHeatmapOptions())
        panel.exemplars_color("rgba(255,0,255,0.7)")
        panel.filter_values(heatmap.FilterValueRange().le(1e-9))
        query = target(0, self.query).range().exemplar(exemplar=True)
        return panel.with_target(query.format(PromQueryFormat.HEATMAP))
