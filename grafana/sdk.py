"""Imports of Grafana's SDK, with its deprecation warning of classic dashboards silenced.

Classic dashboards are what Grafana provisions from files and what its sidecar loads from config maps.
"""

import warnings

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)
    from grafana_foundation_sdk.builders import common as common_builders
    from grafana_foundation_sdk.builders import dashboard as builders
    from grafana_foundation_sdk.builders import prometheus, stat, timeseries
    from grafana_foundation_sdk.cog.encoder import JSONEncoder
    from grafana_foundation_sdk.models import common, dashboard

__all__ = ["JSONEncoder", "builders", "common", "common_builders", "dashboard", "prometheus", "stat", "timeseries"]
