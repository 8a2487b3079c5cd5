"""Tests that need other programs, such as nginx, PgBouncer and Prometheus's promtool."""
