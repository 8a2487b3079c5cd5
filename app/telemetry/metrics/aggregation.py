"""Sums of the metrics of several processes, served by the one that outlives them."""

import os
import resource
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final

import psutil
from prometheus_client import CollectorRegistry, Metric, multiprocess
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

_LIVE: Final = "gauge_live*_*.db"  # the library's files of gauges that only living processes have


def sums() -> CollectorRegistry:
    """Returns a registry with the sums over this process and all that it started."""
    registry = CollectorRegistry()
    registry.register(PoolMetrics())
    registry.register(TreeMetrics())
    return registry


class PoolMetrics:
    """Sums the files in PROMETHEUS_MULTIPROC_DIR. Counters of dead processes stay; their gauges go.

    A process that is killed leaves without a signal, so each scrape looks for the processes that are left.
    """

    def __init__(self) -> None:
        self._sums = multiprocess.MultiProcessCollector(None)  # type: ignore[no-untyped-call]
        self._folder = Path(os.environ["PROMETHEUS_MULTIPROC_DIR"])

    def collect(self) -> Iterable[Metric]:
        """Returns the metrics of all processes, at a scrape."""
        for pid in {int(file.stem.rsplit("_", 1)[1]) for file in self._folder.glob(_LIVE)}:
            if not alive(pid):
                multiprocess.mark_process_dead(pid)  # type: ignore[no-untyped-call]
        return self._sums.collect()  # type: ignore[no-any-return, no-untyped-call]


class TreeMetrics:
    """CPU, memory and descriptors of this process and all its children, in a third of a millisecond per process.

    Names and meaning equal those of a single process. Shared memory is counted for each process.
    """

    def __init__(self) -> None:
        self._root = psutil.Process()

    def collect(self) -> Iterator[Metric]:
        """Sums the usage of live processes, and the CPU time of ended ones."""
        cpu, resident, virtual, open_fds, max_fds = 0.0, 0, 0, 0, 0
        own_limit = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
        # The CPU time of an ended process is added to its parent, so that the sum never decreases.
        for process in (self._root, *self._root.children(recursive=True)):
            with suppress(psutil.Error), process.oneshot():
                times, memory = process.cpu_times(), process.memory_info()
                cpu += times.user + times.system + times.children_user + times.children_system
                resident, virtual = resident + memory.rss, virtual + memory.vms
                open_fds += process.num_fds()
                max_fds += own_limit  # inherited by all children
        yield CounterMetricFamily("process_cpu_seconds", "Total user and system CPU time spent in seconds.", cpu)
        yield GaugeMetricFamily("process_resident_memory_bytes", "Resident memory size in bytes.", resident)
        yield GaugeMetricFamily("process_virtual_memory_bytes", "Virtual memory size in bytes.", virtual)
        yield GaugeMetricFamily("process_open_fds", "Number of open file descriptors.", open_fds)
        yield GaugeMetricFamily("process_max_fds", "Maximum number of open file descriptors.", max_fds)
        about = "Start time of the process since unix epoch in seconds."
        yield GaugeMetricFamily("process_start_time_seconds", about, self._root.create_time())


def alive(pid: int) -> bool:
    """Returns whether a process runs; one that was killed and not yet waited for does not."""
    try:
        return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False
