"""Metrics of the connections to the database, and of the waits for one."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

CONNECTION_STATES: Final = ("used", "idle")
WAIT_BUCKETS: Final = (0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


class ConnectionMetrics:
    """Counts and times waits for a connection; one that is free at once is not measured, to keep statements cheap."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.connections = Gauge(
            "database_pool_connections",
            "Open database connections, by state.",
            ("state",),
            registry=registry,
            multiprocess_mode="livesum",
        )
        self.most = Gauge(
            "database_pool_max_connections",
            "Maximum number of database connections that the process may open.",
            registry=registry,
            multiprocess_mode="livesum",
        )
        self.pending = Gauge(
            "database_pool_pending_requests",
            "Requests and jobs waiting for a database connection.",
            registry=registry,
            multiprocess_mode="livesum",
        )
        self.wait = Histogram(
            "database_pool_wait_seconds",
            "Wait for a database connection; checkouts without a wait are not counted.",
            registry=registry,
            buckets=WAIT_BUCKETS,
        )
        self.timeouts = Counter(
            "database_pool_timeouts", "Waits for a database connection that timed out.", registry=registry
        )
        for state in CONNECTION_STATES:
            self.connections.labels(state)

    @contextmanager
    def waiting(self, timed_out: type[Exception]) -> Iterator[None]:
        """Measures a wait for a connection, which ends with `timed_out` when none became free."""
        started = time.perf_counter()
        self.pending.inc()
        try:
            yield
        except timed_out:
            self.timeouts.inc()
            raise
        finally:
            self.pending.dec()
            self.wait.observe(time.perf_counter() - started)

    def hold(self, *, used: int, idle: int, most: int) -> None:
        """Sets the gauges to the numbers of connections."""
        self.connections.labels("used").set(used)
        self.connections.labels("idle").set(idle)
        self.most.set(most)
