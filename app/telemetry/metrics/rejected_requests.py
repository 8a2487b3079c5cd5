"""Metrics of requests that the HTTP server rejects before the application."""

from typing import Final

from prometheus_client import CollectorRegistry, Counter

REJECTED_STATUSES: Final = ("400", "408", "413", "414", "431", "501", "505")


class RejectedMetrics:
    """Rejected requests by status. No other metric counts them, since they have no valid method or route."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.requests = Counter(
            "http_requests_rejected",
            "Requests that the server rejected before the application: invalid, too large or too slow.",
            ("status",),
            registry=registry,
        )
        for status in REJECTED_STATUSES:
            self.requests.labels(status)
