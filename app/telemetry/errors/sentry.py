"""Transport to Sentry with bounded rate, queue and timeouts, which counts lost reports."""

import threading
from typing import TYPE_CHECKING, Any, Final

import sentry_sdk
from sentry_sdk.transport import HttpTransport

from app.telemetry.throttling import Throttle

if TYPE_CHECKING:
    from sentry_sdk.envelope import Envelope

    from app.settings import Settings
    from app.telemetry.metrics.logs import ErrorReportMetrics

TIMEOUT_SECONDS: Final = 5
QUEUE_SIZE: Final = 100
MAX_REPEATS: Final = 5
REPEAT_SECONDS: Final = 60.0


class Transport(HttpTransport):
    """HTTP transport in its own thread. Sends `MAX_REPEATS` equal errors per `REPEAT_SECONDS` and counts the others."""

    TIMEOUT = TIMEOUT_SECONDS

    def __init__(self, options: Any) -> None:
        super().__init__(options)
        self._throttle: Throttle[tuple[str, str]] = Throttle(MAX_REPEATS, REPEAT_SECONDS)
        self._lock = threading.RLock()
        self._metrics: ErrorReportMetrics | None = None
        self._waiting = 0

    def count_in(self, metrics: "ErrorReportMetrics") -> None:
        self._metrics = metrics

    def admits(self, kind: tuple[str, str], now: float) -> int | None:
        """Returns how many errors of the kind were suppressed since the last report, or None to suppress this one."""
        with self._lock:
            admitted, summaries = self._throttle.admit(kind, now)
        if self._metrics is not None:
            self._metrics.reports.labels("queued" if admitted else "suppressed").inc()
        return sum(each.count for each in summaries if each.kind == kind) if admitted else None

    def capture_envelope(self, envelope: "Envelope") -> None:
        with self._lock:
            self._waiting += 1
        super().capture_envelope(envelope)

    def on_dropped_event(self, reason: str) -> None:
        """Counts a lost event (hook of the SDK). Maps the SDK's open set of reasons to our fixed one."""
        if reason == "full_queue":
            self._lost("queue_full", sent=1)
        elif reason in ("status_429", "self_rate_limits"):
            self._lost("rate_limited")
        else:
            self._lost("refused" if reason.startswith("status_") else "network")

    def kill(self) -> None:
        """Stops the transport and counts waiting reports as lost."""
        super().kill()
        with self._lock:
            waiting, self._waiting = self._waiting, 0
        for _ in range(waiting):
            self._lost("unsent")

    def _send_envelope(self, envelope: "Envelope") -> None:
        try:
            super()._send_envelope(envelope)
        finally:
            with self._lock:
                self._waiting -= 1

    def _lost(self, reason: str, sent: int = 0) -> None:
        with self._lock:
            self._waiting -= sent
        if self._metrics is not None:
            self._metrics.lost.labels(reason).inc()


def start(dsn: str, settings: "Settings", process: str) -> None:
    """Starts the SDK. It collects nothing by itself: events are complete when it receives them."""
    sentry_sdk.init(
        dsn=dsn,
        release=settings.version,
        environment=settings.environment,
        server_name=process,
        transport=Transport,
        transport_queue_size=QUEUE_SIZE,
        default_integrations=False,
        auto_enabling_integrations=False,
        auto_session_tracking=False,
        send_client_reports=False,
        max_breadcrumbs=0,
        include_local_variables=False,
        include_source_context=False,
        max_request_body_size="never",
        shutdown_timeout=0,
    )


def transport() -> Transport | None:
    """Returns the transport of the active client, if any."""
    used = sentry_sdk.get_client().transport
    return used if isinstance(used, Transport) else None
