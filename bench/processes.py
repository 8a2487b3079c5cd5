"""CPU time and memory of a process tree."""

from pathlib import Path

import psutil


def cpu_seconds(pid: int) -> float:
    """Returns CPU seconds of a process tree, from the nanosecond counters of the kernel."""
    process = psutil.Process(pid)
    return sum(_of_one(one.pid) for one in [process, *process.children(recursive=True)])


def resident_megabytes(pid: int) -> float:
    """Returns resident MiB of the serving process: the youngest child, or the process itself without children."""
    process = psutil.Process(pid)
    serving = [*process.children(recursive=True)] or [process]
    return float(serving[-1].memory_info().rss) / 2**20


def _of_one(pid: int) -> float:
    return sum(int(path.read_text().split()[0]) for path in Path(f"/proc/{pid}/task").glob("*/schedstat")) / 1e9


def main_thread_seconds(pid: int) -> float:
    """Returns CPU seconds of the main thread, which runs the event loop."""
    return int(Path(f"/proc/{pid}/task/{pid}/schedstat").read_text().split()[0]) / 1e9
