"""Objectives, and the Prometheus rules and dashboards generated from them. Start with `slo.yaml`."""
