"""Latency of requests while the trace back end is down, failing, hanging or slow: `make bench-telemetry-outages`."""
