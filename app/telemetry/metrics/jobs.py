"""Metrics of background jobs, by topic."""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

JOB_BUCKETS: Final = (0.01, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0)
_NOT_DONE: Final = ("again", "later", "dead", "not_ours")
UNKNOWN: Final = "unknown"  # a topic of a newer version
POSTPONED: Final = ("breaker_open", "no_slot")


class JobMetrics:
    """Attempts of jobs, by outcome.

    `done`; `again` (one time slice of a long job ended); `later` (failed, will be retried); `dead` (dead-lettered);
    `not_ours` (another worker took the job over).
    """

    def __init__(self, registry: CollectorRegistry, topics: Iterable[str]) -> None:
        self.finished = Counter(
            "jobs_finished", "Job attempts that ended, by outcome.", ("topic", "outcome"), registry=registry
        )
        self.duration = Histogram(
            "job_duration_seconds", "Duration of one job attempt.", ("topic",), registry=registry, buckets=JOB_BUCKETS
        )
        self.wait = Histogram(
            "job_wait_seconds",
            "Time from the request of a job to the start of its first attempt.",
            ("topic",),
            registry=registry,
            buckets=JOB_BUCKETS,
        )
        self._postponed = Counter(
            "jobs_postponed",
            "Jobs not started because the circuit breaker of their dependency is open or no slot is free.",
            ("topic", "reason"),
            registry=registry,
        )
        self._topics = frozenset(topics)
        for topic in (*self._topics, UNKNOWN):
            for reason in POSTPONED:
                self._postponed.labels(topic, reason)
            self.duration.labels(topic)
            self.wait.labels(topic)
            for outcome in ("done", *_NOT_DONE):
                self.finished.labels(topic, outcome)

    def waited(self, topic: str, seconds: float) -> None:
        """Records how long a job waited for its first attempt."""
        self.wait.labels(topic if topic in self._topics else UNKNOWN).observe(max(0.0, seconds))

    def postponed(self, topic: str, reason: str) -> None:
        """Counts a job that was not started, for one of the reasons in POSTPONED."""
        self._postponed.labels(topic if topic in self._topics else UNKNOWN, reason).inc()

    @contextmanager
    def timed(self, topic: str) -> Iterator[Callable[[str], None]]:
        """Measures an attempt; call the yielded function with its outcome. Without a call it counts as `later`."""
        label = topic if topic in self._topics else UNKNOWN
        started, outcome = time.perf_counter(), "later"

        def ended(how: str) -> None:
            nonlocal outcome
            outcome = how if how in _NOT_DONE else "done"

        try:
            yield ended
        finally:
            self.finished.labels(label, outcome).inc()
            self.duration.labels(label).observe(time.perf_counter() - started)


class BacklogMetrics:
    """Pending jobs in the database, by topic; set by the reconciler."""

    def __init__(self, registry: CollectorRegistry, topics: Iterable[str]) -> None:
        self.pending = Gauge("jobs_pending", "Pending jobs.", ("topic",), registry=registry)
        self.oldest = Gauge(
            "jobs_oldest_age_seconds", "Age of the oldest pending job; 0 without one.", ("topic",), registry=registry
        )
        self._topics = frozenset(topics)
        self.set({})

    def set(self, backlog: Mapping[str, tuple[int, float]]) -> None:
        """Sets the gauges. `backlog` holds count and age by topic; other topics are set to 0."""
        for topic in self._topics:
            count, age = backlog.get(topic, (0, 0.0))
            self.pending.labels(topic).set(count)
            self.oldest.labels(topic).set(age)
