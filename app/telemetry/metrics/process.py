"""Metrics that every process exports: build information, CPU, memory and descriptors."""

from prometheus_client import (
    CollectorRegistry,
    Gauge,
    GCCollector,
    PlatformCollector,
    ProcessCollector,
    disable_created_metrics,
)

disable_created_metrics()  # type: ignore[no-untyped-call]  # they double the number of series, and no query uses them


class Metrics:
    """Registry of one process, with its build information.

    In all metrics every label set that is known in advance exists at 0 from the start, since `rate` misses the first
    increase of a new series.
    """

    def __init__(self, registry: CollectorRegistry, *, version: str, revision: str) -> None:
        self.registry = registry
        self.build = Gauge(
            "build_info",
            "Always 1; the labels are the version and revision that run.",
            ("version", "revision"),
            registry=registry,
            multiprocess_mode="max",
        )
        self.build.labels(version, revision).set(1)

    def watch_process(self) -> None:
        """Adds CPU, memory, descriptors and interpreter metrics of this process, read at each scrape.

        In multiprocess mode `TreeMetrics` replaces them.
        """
        ProcessCollector(registry=self.registry)
        GCCollector(registry=self.registry)
        PlatformCollector(registry=self.registry)
