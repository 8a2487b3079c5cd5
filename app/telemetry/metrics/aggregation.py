"""Metrics of several processes, summed by their parent process."""

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Final

import psutil
from prometheus_client import CollectorRegistry, Metric, multiprocess

from app.telemetry.metrics.process_tree import TreeMetrics

_LIVE: Final = "gauge_live*_*.db"  # prometheus-client's files of gauges that count live processes only


def sums() -> CollectorRegistry:
    """Creates the registry with the sums over this process's children."""
    registry = CollectorRegistry()
    PoolMetrics(registry)
    TreeMetrics(registry)
    return registry


class PoolMetrics:
    """Collector of the sums over PROMETHEUS_MULTIPROC_DIR. Counters of ended processes stay; their live gauges go.

    A killed process cannot remove its own gauges, so each scrape checks which processes are alive.
    """

    def __init__(self, registry: CollectorRegistry) -> None:
        self._sums = multiprocess.MultiProcessCollector(None)  # type: ignore[no-untyped-call]
        self._folder = Path(os.environ["PROMETHEUS_MULTIPROC_DIR"])
        registry.register(self)

    def describe(self) -> Iterable[Metric]:
        """Returns no names, so that the library does not collect at registration to find them."""
        return []

    def collect(self) -> Iterable[Metric]:
        """Collects the sums, after removing live gauges of ended processes."""
        for pid in {int(file.stem.rsplit("_", 1)[1]) for file in self._folder.glob(_LIVE)}:
            if not alive(pid):
                multiprocess.mark_process_dead(pid)  # type: ignore[no-untyped-call]
        return self._sums.collect()  # type: ignore[no-any-return, no-untyped-call]


def alive(pid: int) -> bool:
    """Checks that a process runs; a zombie does not."""
    try:
        return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False
