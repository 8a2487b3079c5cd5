"""Metrics of the event loop: a blocked loop answers no request."""

from typing import Final

from prometheus_client import CollectorRegistry, Gauge, Histogram

LAG_BUCKETS: Final = (0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


class LoopMetrics:
    """Measures the lag of the loop: afterwards as a histogram, and while it is blocked by the time of its last turn.

    `always`: the loop always runs. That of a worker stands still between jobs, which is no lag.
    """

    def __init__(self, registry: CollectorRegistry, *, always: bool = True) -> None:
        self.lag = Histogram(
            "event_loop_lag_seconds",
            "Delay of a sleeping task beyond its sleep, which is the lag of the event loop.",
            registry=registry,
            buckets=LAG_BUCKETS,
        )
        self._turned: Gauge | None = None
        if always:
            self._turned = Gauge(
                "event_loop_last_turn_timestamp_seconds",
                "Unix time of the last event loop iteration; the oldest of all processes.",
                registry=registry,
                multiprocess_mode="livemin",
            )
            self._turned.set_to_current_time()

    def turned(self, late: float) -> None:
        """Observes a turn of the loop that came `late`, in seconds."""
        self.lag.observe(late)
        if self._turned is not None:
            self._turned.set_to_current_time()
