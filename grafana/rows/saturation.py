"""Panels of saturation, by pod: requests in progress, CPU, memory and file descriptors."""

from collections.abc import Iterator

from grafana.panels import Graph, Panel, Query
from grafana.rows.queries import of_release

BY_POD = "{{component}} {{pod}}"


def saturation() -> Iterator[Panel]:
    yield Graph(
        "Requests in progress",
        "Requests that each API replica is answering at the scrape, event streams included, and the limit above which"
        " the replica refuses more.",
        "none",
        [
            Query(f"sum by (component, pod) ({of_release('http_requests_in_progress')})", BY_POD),
            Query(f"sum by (component, pod) ({of_release('http_requests_in_progress_limit')})", f"{BY_POD} limit"),
        ],
    )
    yield Graph(
        "CPU",
        "CPU cores that each process uses. Near its limit a process is throttled, and latency grows.",
        "none",
        [
            Query(
                f"sum by (component, pod) (rate({of_release('process_cpu_seconds_total')}[$__rate_interval]))",
                BY_POD,
            ),
        ],
    )
    yield Graph(
        "Memory",
        "Resident memory of each process. At its limit the kernel kills the process.",
        "bytes",
        [Query(f"sum by (component, pod) ({of_release('process_resident_memory_bytes')})", BY_POD)],
    )
    yield Graph(
        "Open file descriptors",
        "Open file descriptors as a share of the limit of each process. A steady increase is a leak of connections.",
        "percentunit",
        [
            Query(
                f"sum by (component, pod) ({of_release('process_open_fds')})"
                f" / sum by (component, pod) ({of_release('process_max_fds')})",
                BY_POD,
            ),
        ],
    )
    yield Graph(
        "Time since start",
        "Age of each process. A drop to 0 is a restart.",
        "s",
        [Query(f"time() - max by (component, pod) ({of_release('process_start_time_seconds')})", BY_POD)],
    )
    yield Graph(
        "Replicas scraped",
        "Pods of each component that Prometheus scrapes. At 0 no objective that these pods measure raises an alert.",
        "none",
        [Query(f"sum by (component) ({of_release('up')})", "{{component}}")],
    )
