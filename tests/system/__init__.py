"""What needs other programs: Prometheus's promtool."""
