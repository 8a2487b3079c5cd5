"""The metrics of several processes, summed by the one that outlives them."""

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Final

import psutil
from prometheus_client import CollectorRegistry, Metric, multiprocess

from app.telemetry.metrics.process_tree import TreeMetrics

_LIVE: Final = "gauge_live*_*.db"  # the library's name for what only the living say


def sums() -> CollectorRegistry:
    """What this process tells of all that it started."""
    registry = CollectorRegistry()
    PoolMetrics(registry)
    TreeMetrics(registry)
    return registry


class PoolMetrics:
    """Sums over PROMETHEUS_MULTIPROC_DIR. What the dead have counted stays; what they said of themselves goes.

    Nobody tells of a process that was killed, so each scrape looks who is left.
    """

    def __init__(self, registry: CollectorRegistry) -> None:
        self._sums = multiprocess.MultiProcessCollector(None)  # type: ignore[no-untyped-call]
        self._folder = Path(os.environ["PROMETHEUS_MULTIPROC_DIR"])
        registry.register(self)

    def describe(self) -> Iterable[Metric]:
        """Without it the library would read all files to find out about names."""
        return []

    def collect(self) -> Iterable[Metric]:
        """The metrics of all, at a scrape."""
        for pid in {int(file.stem.rsplit("_", 1)[1]) for file in self._folder.glob(_LIVE)}:
            if not alive(pid):
                multiprocess.mark_process_dead(pid)  # type: ignore[no-untyped-call]
        return self._sums.collect()  # type: ignore[no-any-return, no-untyped-call]


def alive(pid: int) -> bool:
    """Whether a process runs. One that was killed and that nobody has asked about yet does not."""
    try:
        return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False
