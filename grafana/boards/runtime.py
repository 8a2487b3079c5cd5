"""Runtime: event loop, garbage collector, CPU, memory, files and restarts, by process."""

from collections.abc import Iterator

from grafana.board import Board, Choice
from grafana.board_queries import BY_POD, highest, of_release, quantile, rate, total
from grafana.panels import Graph, Panel, Query
from grafana.promql import select

POD = 'pod=~"$pod"'
BY = "component, pod"


def runtime() -> Board:
    build = select("build_info", 'namespace="$namespace"', 'release="$release"')
    return Board(
        "binnacle-runtime",
        "Binnacle: runtime",
        "Event loop, garbage collection, CPU, memory and restarts of each process.",
        {"Event loop": list(_loop()), "Process": list(_process())},
        choices=[Choice("pod", "Pod", build)],
    )


def _loop() -> Iterator[Panel]:
    yield Graph(
        "Event loop lag, p99",
        "99th percentile of the delay of a sleeping task, which every request of the process feels as well.",
        "s",
        [Query(quantile(0.99, BY, "event_loop_lag_seconds", POD), BY_POD)],
    )
    yield Graph(
        "Last iteration of the event loop",
        "Time since the last iteration of the event loop. It grows while the loop is blocked: no request of the process"
        " is answered.",
        "s",
        [Query(f"time() - min by ({BY}) ({of_release('event_loop_last_turn_timestamp_seconds', POD)})", BY_POD)],
    )
    yield Graph(
        "Garbage collections",
        "Collections per second of Python's garbage collector, by generation. One of generation 2 stops the process for"
        " longest.",
        "ops",
        [Query(rate("generation", "python_gc_collections_total", POD), "generation {{generation}}")],
    )


def _process() -> Iterator[Panel]:
    yield Graph(
        "CPU",
        "CPU cores that each process uses. Near its limit a process is throttled, and latency grows.",
        "none",
        [Query(rate(BY, "process_cpu_seconds_total", POD), BY_POD)],
    )
    yield Graph(
        "Memory",
        "Resident memory of each process. At its limit the kernel kills the process.",
        "bytes",
        [Query(total(BY, "process_resident_memory_bytes", POD), BY_POD)],
    )
    yield Graph(
        "Open file descriptors",
        "Open file descriptors as a share of the limit of each process. A steady increase is a leak of connections.",
        "percentunit",
        [Query(f"{total(BY, 'process_open_fds', POD)} / {total(BY, 'process_max_fds', POD)}", BY_POD)],
    )
    yield Graph(
        "Time since start",
        "Age of each process. A drop to 0 is a restart.",
        "s",
        [Query(f"time() - {highest(BY, 'process_start_time_seconds', POD)}", BY_POD)],
        width=12,
    )
    yield Graph(
        "Replicas scraped",
        "Pods of each component that Prometheus scrapes. At 0 no objective that these pods measure raises an alert.",
        "none",
        [Query(total("component", "up"), "{{component}}")],
        width=12,
    )
