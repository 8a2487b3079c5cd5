"""What every process says of itself."""

from prometheus_client import (
    CollectorRegistry,
    Gauge,
    GCCollector,
    PlatformCollector,
    ProcessCollector,
    disable_created_metrics,
)

disable_created_metrics()  # type: ignore[no-untyped-call]  # they double the series and nobody asks for them


class Metrics:
    """The registry of one process, and what it says of itself.

    Here and below every label set that can be known beforehand exists at 0 from the start, since `rate` does not see
    the first increase of a series that was not there.
    """

    def __init__(self, registry: CollectorRegistry, *, version: str, revision: str) -> None:
        self.registry = registry
        self.build = Gauge(
            "build_info",
            "Always 1; the labels tell what runs.",
            ("version", "revision"),
            registry=registry,
            multiprocess_mode="max",
        )
        self.build.labels(version, revision).set(1)

    def watch_process(self) -> None:
        """Adds CPU, memory and descriptors of this process and its interpreter's, all read at a scrape.

        Where several processes are summed, `TreeMetrics` tells of all of them.
        """
        ProcessCollector(registry=self.registry)
        GCCollector(registry=self.registry)
        PlatformCollector(registry=self.registry)
