"""Stat panel: the last value of each series."""

from collections.abc import Sequence
from dataclasses import dataclass

from grafana.panels.shared import Head, Line, Query, target, thresholds
from grafana.sdk import builders, common, common_builders, dashboard, stat


@dataclass(frozen=True)
class Stat(Head):
    """Numbers, in the color `base` below the first of `lines`.

    With `names`, the legends alone; with `lights`, legends on a colored ground, for a state of each series.
    """

    query: Query
    width: int = 6
    lines: Sequence[Line] = ()
    base: str = "red"
    names: bool = False
    lights: bool = False
    height: int = 4

    def build(self, panel_id: int) -> stat.Panel:
        panel: stat.Panel = self.begin(stat.Panel(), panel_id, self.width, self.height)
        panel.color_scheme(builders.FieldColor().mode(dashboard.FieldColorModeId.THRESHOLDS))
        panel.graph_mode(common.BigValueGraphMode.NONE).color_mode(self._color_mode())
        only_names = self.names or self.lights
        panel.text_mode(common.BigValueTextMode.NAME if only_names else common.BigValueTextMode.AUTO)
        panel.reduce_options(common_builders.ReduceDataOptions().calcs(["lastNotNull"]))
        panel.with_target(target(0, self.query).instant())
        if self.lines:
            panel.thresholds(thresholds(self.base, self.lines))
        return panel

    def _color_mode(self) -> common.BigValueColorMode:
        if self.lights:
            return common.BigValueColorMode.BACKGROUND
        return common.BigValueColorMode.NONE if self.names else common.BigValueColorMode.VALUE
