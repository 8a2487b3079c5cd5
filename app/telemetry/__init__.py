"""Metrics, logs, traces and error reports; knows nobody's domain."""
