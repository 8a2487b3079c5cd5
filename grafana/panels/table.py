"""Table: a row for each series, a column for each of its labels that is named."""

from collections.abc import Sequence
from dataclasses import dataclass

from grafana.panels.shared import Head, Query, target
from grafana.sdk import PromQueryFormat, dashboard, table


@dataclass(frozen=True)
class Table(Head):
    """Labels of the present series of one query; `columns` names those that are shown, in this order."""

    query: Query
    columns: Sequence[str]
    width: int = 12
    height: int = 8

    def build(self, panel_id: int) -> table.Panel:
        panel: table.Panel = self.begin(table.Panel(), panel_id, self.width, self.height)
        panel.with_target(target(0, self.query).instant().format(PromQueryFormat.TABLE))
        places = {name: place for place, name in enumerate(self.columns)}
        options = {"includeByName": dict.fromkeys(self.columns, True), "indexByName": places}
        return panel.with_transformation(dashboard.DataTransformerConfig(id_val="organize", options=options))
