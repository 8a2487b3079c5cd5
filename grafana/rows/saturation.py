"""How full the processes are. Processes that share their metrics among several workers tell nothing of themselves."""

from collections.abc import Iterator

from grafana.panels import Graph, Panel, Query
from grafana.rows.queries import one

BY_POD = "{{component}} {{pod}}"


def saturation() -> Iterator[Panel]:
    yield Graph(
        "Requests in progress",
        "Requests of each API replica that are being answered at the moment of the scrape, streams among them, and the"
        " limit beyond which a replica refuses more.",
        "none",
        [
            Query(f"sum by (component, pod) ({one('http_requests_in_progress')})", BY_POD),
            Query(f"sum by (component, pod) ({one('http_requests_in_progress_limit')})", f"{BY_POD} limit"),
        ],
    )
    yield Graph(
        "CPU",
        "Cores that each process uses; near its limit it is throttled and latency grows.",
        "none",
        [
            Query(
                f"sum by (component, pod) (rate({one('process_cpu_seconds_total')}[$__rate_interval]))",
                BY_POD,
            ),
        ],
    )
    yield Graph(
        "Memory",
        "Resident memory of each process; at its limit the kernel kills it.",
        "bytes",
        [Query(f"sum by (component, pod) ({one('process_resident_memory_bytes')})", BY_POD)],
    )
    yield Graph(
        "Open file descriptors",
        "Share of the descriptors that each process may open; a steady climb is a leak of connections.",
        "percentunit",
        [
            Query(
                f"sum by (component, pod) ({one('process_open_fds')})"
                f" / sum by (component, pod) ({one('process_max_fds')})",
                BY_POD,
            ),
        ],
    )
    yield Graph(
        "Time since start",
        "Age of each process; a fall to 0 is a restart.",
        "s",
        [Query(f"time() - max by (component, pod) ({one('process_start_time_seconds')})", BY_POD)],
    )
    yield Graph(
        "Replicas scraped",
        "Pods of each component that Prometheus reads. At 0 the objectives that they feed are not watched.",
        "none",
        [Query(f"sum by (component) ({one('up')})", "{{component}}")],
    )
