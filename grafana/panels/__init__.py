"""Panels as plain values: each kind knows its type in Grafana's SDK and converts itself."""

from grafana.panels.bars import Bars
from grafana.panels.graph import Graph
from grafana.panels.heatmap import Heatmap
from grafana.panels.shared import DATASOURCE, Line, Query
from grafana.panels.stat import Stat
from grafana.panels.table import Table

__all__ = ["DATASOURCE", "Bars", "Graph", "Heatmap", "Line", "Panel", "Query", "Stat", "Table"]

Panel = Bars | Graph | Heatmap | Stat | Table
