"""Bar gauge: one horizontal bar for each query, on one scale."""

from collections.abc import Sequence
from dataclasses import dataclass

from grafana.panels.shared import Head, Line, Query, target, thresholds
from grafana.sdk import bargauge, builders, common, common_builders, dashboard


@dataclass(frozen=True)
class Bars(Head):
    """The present value of several queries, one below another, from 0 to `most`."""

    queries: Sequence[Query]
    most: float
    width: int = 8
    lines: Sequence[Line] = ()
    height: int = 8

    def build(self, panel_id: int) -> bargauge.Panel:
        panel: bargauge.Panel = self.begin(bargauge.Panel(), panel_id, self.width, self.height)
        panel.min(0).max(self.most)
        panel.color_scheme(builders.FieldColor().mode(dashboard.FieldColorModeId.THRESHOLDS))
        panel.orientation(common.VizOrientation.HORIZONTAL)
        panel.reduce_options(common_builders.ReduceDataOptions().calcs(["lastNotNull"]))
        panel.thresholds(thresholds("green", self.lines))
        for index, query in enumerate(self.queries):
            panel.with_target(target(index, query).instant())
        return panel
