"""Dashboards, one module each; `grafana.dashboards` builds them. Every query selects one namespace and one release."""
