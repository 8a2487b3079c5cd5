"""Metrics of requests, WebSockets and readiness."""

import os
from collections.abc import Iterable
from functools import cache
from typing import Final

from prometheus_client import CollectorRegistry

from app.telemetry.metrics.instruments import counter, gauge, histogram
from app.telemetry.metrics.requests import requests

CONNECTION_BUCKETS: Final = (1.0, 10.0, 60.0, 300.0, 900.0, 3600.0, 14400.0)
READINESS_OUTCOMES: Final = ("ready", "not_ready", "draining")
DIRECTIONS: Final = ("received", "sent")
REJECTED_STATUSES: Final = ("400", "408", "413", "414", "431", "501", "505")


class HttpMetrics:
    """Counts requests for the ASGI layer. `route` is a template or a constant, never a path."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._requests = requests(registry)
        # A look-up by labels takes longer than to count; there are as many entries as series.
        self._series = cache(lambda method, route, status: self._requests.series(method, route, str(status)))
        self.in_progress = gauge(registry, "http_requests_in_progress", "Requests in progress.")
        # Several processes sum their gauges from files, written at each change; one process reads it at each scrape.
        self._written = "PROMETHEUS_MULTIPROC_DIR" in os.environ
        self._now = 0
        if not self._written:
            self.in_progress.set_function(lambda: self._now)
        about = "Limit of requests in progress, above which more are refused."
        self.limit = gauge(registry, "http_requests_in_progress_limit", about)
        self.sockets = SocketMetrics(registry)

    def began(self) -> None:
        """Counts a request as in progress."""
        self._now += 1
        if self._written:
            self.in_progress.inc()

    def answered(self, method: str, route: str, status: int, seconds: float, trace_id: str | None, now: float) -> None:
        """Counts a request that ended at `now`, on a clock of seconds; `trace_id` is that of a recorded trace."""
        self._now -= 1
        if self._written:
            self.in_progress.dec()
        self._series(method, route, status).add(seconds, trace_id, now)

    def refused(self, method: str, route: str, status: int) -> None:
        """Counts a request that the server refused by itself, in no measurable time."""
        self._series(method, route, status).add(0.0, None, 0.0)

    def declare(self, operations: Iterable[tuple[str, str, Iterable[str]]]) -> None:
        """Creates the series of (method, route, statuses) at 0."""
        for method, route, statuses in operations:
            for status in statuses:
                self._requests.series(method, route, status)


class SocketMetrics:
    """Counts WebSockets. Each begins as a request that is answered 101, or refused with another status."""

    def __init__(self, registry: CollectorRegistry) -> None:
        about = "WebSocket handshakes, by response status."
        self.handshakes = counter(registry, "websocket_handshakes", about, route=(), status=())
        self.open = gauge(registry, "websocket_connections_open", "Open WebSockets.", route=())
        name, about = (
            "websocket_connection_duration_seconds",
            "Duration of WebSockets, from the handshake to the close.",
        )
        self.duration = histogram(registry, name, about, CONNECTION_BUCKETS, route=())
        about = "WebSocket messages, by direction."
        self.messages = counter(registry, "websocket_messages", about, route=(), direction=())

    def declare(self, routes: Iterable[str]) -> None:
        """Creates the series of these routes at 0."""
        for route in routes:
            for status in ("101", "403", "500"):
                self.handshakes.labels(route, status)
            self.open.labels(route)
            self.duration.labels(route)
            for direction in DIRECTIONS:
                self.messages.labels(route, direction)


class ReadinessMetrics:
    """Counts readiness checks: when no replica is ready no request arrives, and no other metric shows it."""

    def __init__(self, registry: CollectorRegistry) -> None:
        about = "Readiness probes answered, by outcome."
        self.checks = counter(registry, "readiness_checks", about, outcome=READINESS_OUTCOMES)


class RejectedMetrics:
    """Counts requests without a valid head, which have no method and no route; no other metric counts them."""

    def __init__(self, registry: CollectorRegistry) -> None:
        about = "Requests that the server rejected before the application: invalid, too large or too slow."
        self.requests = counter(registry, "http_requests_rejected", about, status=REJECTED_STATUSES)
