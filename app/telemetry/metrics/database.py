"""Metrics of the connections to the database, and of the waits for one."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from prometheus_client import CollectorRegistry

from app.telemetry.metrics.instruments import counter, gauge, histogram

CONNECTION_STATES: Final = ("used", "idle")
WAIT_BUCKETS: Final = (0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


class ConnectionMetrics:
    """Counts and times waits for a connection; one that is free at once is not measured, to keep statements cheap."""

    def __init__(self, registry: CollectorRegistry) -> None:
        about = "Open database connections, by state."
        self.connections = gauge(registry, "database_pool_connections", about, state=CONNECTION_STATES)
        about = "Maximum number of database connections that the process may open."
        self.most = gauge(registry, "database_pool_max_connections", about)
        about = "Requests and jobs waiting for a database connection."
        self.pending = gauge(registry, "database_pool_pending_requests", about)
        about = "Wait for a database connection; checkouts without a wait are not counted."
        self.wait = histogram(registry, "database_pool_wait_seconds", about, WAIT_BUCKETS)
        about = "Waits for a database connection that timed out."
        self.timeouts = counter(registry, "database_pool_timeouts", about)

    @contextmanager
    def waiting(self, timed_out: type[Exception]) -> Iterator[None]:
        """Measures a wait for a connection, which ends with `timed_out` when none became free."""
        with self.wait.time(), self.pending.track_inprogress(), self.timeouts.count_exceptions(timed_out):
            yield

    def hold(self, *, used: int, idle: int, most: int) -> None:
        """Sets the gauges to the numbers of connections."""
        self.connections.labels("used").set(used)
        self.connections.labels("idle").set(idle)
        self.most.set(most)
