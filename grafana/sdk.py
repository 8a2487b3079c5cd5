"""Grafana's SDK, imported in one place: it warns at import of the classic dashboards, and those are what we write.

They are what Grafana provisions from files and what its sidecar loads from config maps.
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
