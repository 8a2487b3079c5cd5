"""Benchmark of the telemetry's CPU time for each request: `python -m bench.telemetry`. See docs/telemetry-cost.md."""
