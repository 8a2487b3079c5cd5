"""What customers feel of a trace back end that is gone, refuses, hangs or is slow: `make bench-telemetry-outages`."""
