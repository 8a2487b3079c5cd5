"""Imports of Grafana's SDK, with its deprecation warning of classic dashboards silenced.

Classic dashboards are what Grafana provisions from files and what its sidecar loads from config maps.
"""

import warnings

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)
    from grafana_foundation_sdk.builders import bargauge, heatmap, prometheus, stat, table, timeseries
    from grafana_foundation_sdk.builders import common as common_builders
    from grafana_foundation_sdk.builders import dashboard as builders
    from grafana_foundation_sdk.cog.encoder import JSONEncoder
    from grafana_foundation_sdk.models import common, dashboard
    from grafana_foundation_sdk.models import heatmap as heatmap_models
    from grafana_foundation_sdk.models.prometheus import PromQueryFormat

__all__ = [
    "JSONEncoder",
    "PromQueryFormat",
    "bargauge",
    "builders",
    "common",
    "common_builders",
    "dashboard",
    "heatmap",
    "heatmap_models",
    "prometheus",
    "stat",
    "table",
    "timeseries",
]
