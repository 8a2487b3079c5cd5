"""Metrics of requests that the server answers by itself."""

from typing import Final

from prometheus_client import CollectorRegistry

from app.telemetry.metrics.counters import counter

REJECTED_STATUSES: Final = ("400", "408", "413", "414", "431", "501", "505")


class RejectedMetrics:
    """Counts requests without a valid head, which have no method and no route; no other metric counts them."""

    def __init__(self, registry: CollectorRegistry) -> None:
        about = "Requests that the server rejected before the application: invalid, too large or too slow."
        self.requests = counter(registry, "http_requests_rejected", about, status=REJECTED_STATUSES)
