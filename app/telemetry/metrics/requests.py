"""Requests by method, route and status, and their duration: in memory, or in files shared by several processes.

prometheus-client's counter and histogram cost a request 6 µs more, which adds 0.06 to the ratio that
docs/telemetry-cost.md limits to 1.45 at 10 % sampling. Only the event loop's thread counts requests, so that plain
numbers suffice, and a collector exports them at a scrape.
"""

import os
import time
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import accumulate
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Histogram, Metric
from prometheus_client.core import CounterMetricFamily, Exemplar, HistogramMetricFamily

REQUEST_BUCKETS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
EXEMPLAR_SECONDS: Final = 1.0
_BOUNDS: Final = (*map(str, REQUEST_BUCKETS), "+Inf")
_COUNTED: Final = ("http_requests", "Requests answered, by status.")
_TIMED: Final = (
    "http_request_duration_seconds",
    "Time from the first byte of a request to the last of its response; for event streams, to the first.",
)
_LABELS: Final = ("method", "route", "status")


def requests(registry: CollectorRegistry) -> "OwnRequests | SharedRequests":
    """Creates the request metrics, in files if PROMETHEUS_MULTIPROC_DIR is set."""
    return SharedRequests(registry) if "PROMETHEUS_MULTIPROC_DIR" in os.environ else OwnRequests(registry)


class OwnRequests:
    """Request metrics of a single process, in memory."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._series: dict[tuple[str, str, str], _Count] = {}
        self._durations: dict[tuple[str, str], _Durations] = {}
        registry.register(self)

    def series(self, method: str, route: str, status: str) -> "_Count":
        """Returns the series of these labels, and creates it at 0."""
        durations = self._durations.setdefault((method, route), _Durations())
        return self._series.setdefault((method, route, status), _Count(durations))

    def describe(self) -> Iterator[Metric]:
        """Yields the two families without series."""
        yield CounterMetricFamily(*_COUNTED, labels=_LABELS)
        yield HistogramMetricFamily(*_TIMED, labels=_LABELS[:2])

    def collect(self) -> Iterator[Metric]:
        """Yields the current values; runs in the thread of a scrape."""
        counted = CounterMetricFamily(*_COUNTED, labels=_LABELS)
        for labels, series in list(self._series.items()):
            counted.add_metric(labels, series.count)
        yield counted
        timed = HistogramMetricFamily(*_TIMED, labels=_LABELS[:2])
        for kind, durations in list(self._durations.items()):
            timed.add_metric(kind, durations.buckets(), durations.seconds)
        yield timed


@dataclass(slots=True)
class _Durations:
    """One series of the histogram, with the last exemplar of each bucket.

    https://github.com/prometheus/OpenMetrics/blob/main/specification/OpenMetrics.md#exemplars
    """

    seconds: float = 0.0
    counts: list[int] = field(default_factory=lambda: [0] * len(_BOUNDS))
    exemplars: list[Exemplar | None] = field(default_factory=lambda: [None] * len(_BOUNDS))

    def buckets(self) -> list[tuple[str, float] | tuple[str, float, Exemplar]]:
        """Returns bound and cumulative count of each bucket, and the exemplar if there is one."""
        return [
            (bound, count) if exemplar is None else (bound, count, exemplar)
            for bound, count, exemplar in zip(_BOUNDS, accumulate(self.counts), self.exemplars, strict=True)
        ]


@dataclass(slots=True)
class _Count:
    """One series of the counter, and the state that limits its exemplars."""

    _durations: _Durations
    count: int = 0
    _until: float = 0.0
    _longest: float = 0.0

    def add(self, seconds: float, trace_id: str | None, now: float) -> None:
        """Counts a request that ended at `now` on a clock of seconds; `trace_id` is set if its trace is recorded."""
        durations, bucket = self._durations, bisect_left(REQUEST_BUCKETS, seconds)
        self.count += 1
        durations.counts[bucket] += 1
        durations.seconds += seconds
        if trace_id is not None and self._wants_exemplar(seconds, now):
            durations.exemplars[bucket] = Exemplar({"trace_id": trace_id}, seconds, time.time())

    def _wants_exemplar(self, seconds: float, now: float) -> bool:
        """Selects requests for exemplars: one per second, and each that took longer than the last one."""
        if now >= self._until:
            self._until = now + EXEMPLAR_SECONDS
        elif seconds <= self._longest:
            return False
        self._longest = seconds
        return True


class SharedRequests:
    """Request metrics in prometheus-client's files, which several processes share and which hold no exemplars."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._counter = Counter(*_COUNTED, _LABELS, registry=registry)
        self._histogram = Histogram(*_TIMED, _LABELS[:2], registry=registry, buckets=REQUEST_BUCKETS)

    def series(self, method: str, route: str, status: str) -> "_Shared":
        return _Shared(self._counter.labels(method, route, status), self._histogram.labels(method, route))


@dataclass(frozen=True, slots=True)
class _Shared:
    _counter: Counter
    _histogram: Histogram

    def add(self, seconds: float, trace_id: str | None, now: float) -> None:  # noqa: ARG002 -- the files hold no exemplars
        self._counter.inc()
        self._histogram.observe(seconds)
