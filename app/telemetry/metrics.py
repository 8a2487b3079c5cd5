"""Every metric of every process, made once a process and passed in.

Names and units: https://prometheus.io/docs/practices/naming/
"""

from collections.abc import Iterable
from typing import Final

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    disable_created_metrics,
)

disable_created_metrics()  # type: ignore[no-untyped-call]  # they double the series and nobody asks for them

REQUEST_BUCKETS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
PROVIDER_BUCKETS: Final = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
ORDER_BUCKETS: Final = (0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0)

READINESS_OUTCOMES: Final = ("ready", "not_ready", "draining")
CHARGE_OUTCOMES: Final = ("ok", "declined", "error", "timeout")
LIMIT_DECISIONS: Final = ("allowed", "refused")
LOGIN_OUTCOMES: Final = ("ok", "wrong", "limited")
FINAL_STATUSES: Final = ("paid", "failed")


class Metrics:
    """The registry of one process, and what it says of itself.

    Here and below every label set that can be known beforehand exists at 0 from the start, since `rate` does not see
    the first increase of a series that was not there.
    """

    def __init__(self, registry: CollectorRegistry, *, version: str, revision: str) -> None:
        self.registry = registry
        self.build = Gauge(
            "build_info",
            "Always 1; the labels tell what runs.",
            ("version", "revision"),
            registry=registry,
            multiprocess_mode="max",
        )
        self.build.labels(version, revision).set(1)

    def watch_process(self) -> None:
        """Adds CPU, memory and descriptors of this process; not to be had when several processes are summed."""
        ProcessCollector(registry=self.registry)


class HttpMetrics:
    """What the ASGI layer counts. `route` is a template or a constant, never a path."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.requests = Counter("http_requests", "Requests answered.", ("method", "route", "status"), registry=registry)
        self.duration = Histogram(
            "http_request_duration_seconds",
            "From the first byte of a request to the last of its answer.",
            ("method", "route"),
            registry=registry,
            buckets=REQUEST_BUCKETS,
        )
        self.in_progress = Gauge(
            "http_requests_in_progress", "Requests being answered now.", registry=registry, multiprocess_mode="livesum"
        )

    def declare(self, operations: Iterable[tuple[str, str, Iterable[str]]]) -> None:
        """Makes the series of (method, route, statuses) exist at 0."""
        for method, route, statuses in operations:
            self.duration.labels(method, route)
            for status in statuses:
                self.requests.labels(method, route, status)


class ReadinessMetrics:
    """Counts readiness checks: when no replica is ready no request arrives, and only these tell."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.checks = Counter("readiness_checks", "Readiness checks of a replica.", ("outcome",), registry=registry)
        for outcome in READINESS_OUTCOMES:
            self.checks.labels(outcome)


class OrderMetrics:
    """What happens to orders, in whichever process it happens."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.placed = Counter("orders_placed", "Orders accepted.", registry=registry)
        self.finished = Counter("orders_finished", "Orders that became final.", ("status",), registry=registry)
        self.processing = Histogram(
            "order_processing_duration_seconds",
            "From placing an order to its final status.",
            registry=registry,
            buckets=ORDER_BUCKETS,
        )
        self.provider_requests = Counter(
            "provider_requests", "Calls to the payment provider.", ("operation", "outcome"), registry=registry
        )
        self.provider_duration = Histogram(
            "provider_request_duration_seconds",
            "Duration of calls to the payment provider.",
            ("operation",),
            registry=registry,
            buckets=PROVIDER_BUCKETS,
        )
        for status in FINAL_STATUSES:
            self.finished.labels(status)
        for outcome in CHARGE_OUTCOMES:
            self.provider_requests.labels("charge", outcome)
        self.provider_duration.labels("charge")


class LimitMetrics:
    """What the limits decided."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.decisions = Counter("limiter_decisions", "Checks of a limit.", ("limiter", "decision"), registry=registry)
        self.fallbacks = Counter(
            "limiter_fallbacks", "Times that Redis was given up and limits went on in memory.", registry=registry
        )
        for decision in LIMIT_DECISIONS:
            self.decisions.labels("login", decision)


class AccountMetrics:
    """Who gets in."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.logins = Counter("logins", "Attempts to log in.", ("outcome",), registry=registry)
        for outcome in LOGIN_OUTCOMES:
            self.logins.labels(outcome)


class OutboxMetrics:
    """The backlog as the database tells it; set by the one process that reconciles."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.pending = Gauge("outbox_pending_messages", "Messages not done yet.", registry=registry)
        self.oldest = Gauge(
            "outbox_oldest_message_age_seconds", "Age of the oldest message not done yet, else 0.", registry=registry
        )
        self.requeued = Counter("outbox_requeued", "Messages queued again after waiting too long.", registry=registry)
