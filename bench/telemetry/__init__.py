"""What telemetry costs a request: `python -m bench.telemetry`. The method: docs/telemetry-cost.md."""
