"""Requests that the server answered by itself."""

from typing import Final

from prometheus_client import CollectorRegistry, Counter

REJECTED_STATUSES: Final = ("400", "408", "413", "414", "431", "501", "505")


class RejectedMetrics:
    """They are in no other metric: a request without a valid head has no method and no route."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.requests = Counter(
            "http_requests_rejected",
            "Requests that the server refused before the application: not valid, too large or too slow.",
            ("status",),
            registry=registry,
        )
        for status in REJECTED_STATUSES:
            self.requests.labels(status)
