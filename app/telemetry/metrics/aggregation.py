"""Sums of the metrics of several processes, served by the one that outlives them."""

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Final

import psutil
from prometheus_client import CollectorRegistry, Metric, multiprocess

from app.telemetry.metrics.process_tree import TreeMetrics

_LIVE: Final = "gauge_live*_*.db"  # the library's files of gauges that only living processes have


def sums() -> CollectorRegistry:
    """Returns a registry with the sums over this process and all that it started."""
    registry = CollectorRegistry()
    PoolMetrics(registry)
    TreeMetrics(registry)
    return registry


class PoolMetrics:
    """Sums the files in PROMETHEUS_MULTIPROC_DIR. Counters of dead processes stay; their gauges go.

    A process that is killed leaves without a signal, so each scrape looks for the processes that are left.
    """

    def __init__(self, registry: CollectorRegistry) -> None:
        self._sums = multiprocess.MultiProcessCollector(None)  # type: ignore[no-untyped-call]
        self._folder = Path(os.environ["PROMETHEUS_MULTIPROC_DIR"])
        registry.register(self)

    def describe(self) -> Iterable[Metric]:
        """Returns no names: without this method the library would read all files to find them."""
        return []

    def collect(self) -> Iterable[Metric]:
        """Returns the metrics of all processes, at a scrape."""
        for pid in {int(file.stem.rsplit("_", 1)[1]) for file in self._folder.glob(_LIVE)}:
            if not alive(pid):
                multiprocess.mark_process_dead(pid)  # type: ignore[no-untyped-call]
        return self._sums.collect()  # type: ignore[no-any-return, no-untyped-call]


def alive(pid: int) -> bool:
    """Returns whether a process runs; one that was killed and not yet waited for does not."""
    try:
        return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False
