"""Benchmarks of the service, as ratios within one run. Not part of the tests, which must pass on a busy machine."""
