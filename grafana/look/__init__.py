"""Boards without a Grafana: one page, drawn from the dashboards' JSON and a Prometheus."""
