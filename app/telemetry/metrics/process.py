"""Metrics of the process itself."""

from prometheus_client import CollectorRegistry, Gauge, GCCollector, PlatformCollector, ProcessCollector


def register_build(registry: CollectorRegistry, version: str, revision: str) -> None:
    """Registers `build_info`."""
    about = "Always 1; the labels are the version and revision that run."
    build = Gauge("build_info", about, ("version", "revision"), registry=registry, multiprocess_mode="max")
    build.labels(version, revision).set(1)


def register_process(registry: CollectorRegistry) -> None:
    """Registers CPU, memory and descriptors of this process, and metrics of its interpreter; all are read at a scrape.

    Sums over several processes use `TreeMetrics` instead.
    """
    ProcessCollector(registry=registry)
    GCCollector(registry=registry)
    PlatformCollector(registry=registry)
