"""Work in the background, by topic."""

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
    """How tries end.

    `done`; `again` (a turn of a long job is over); `later` (it failed, and is tried again); `dead` (given up);
    `not_ours` (another worker took it over).
    """

    def __init__(self, registry: CollectorRegistry, topics: Iterable[str]) -> None:
        self.finished = Counter("jobs_finished", "Tries of a job that ended.", ("topic", "outcome"), registry=registry)
        self.duration = Histogram(
            "job_duration_seconds", "Duration of one try of a job.", ("topic",), registry=registry, buckets=JOB_BUCKETS
        )
        self.wait = Histogram(
            "job_wait_seconds",
            "From when a job was asked for to the beginning of its first try.",
            ("topic",),
            registry=registry,
            buckets=JOB_BUCKETS,
        )
        self._postponed = Counter(
            "jobs_postponed",
            "Jobs not begun, since their dependency is left alone or has all slots that it may have.",
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
        """Counts how long a job waited for its first try."""
        self.wait.labels(topic if topic in self._topics else UNKNOWN).observe(max(0.0, seconds))

    def postponed(self, topic: str, reason: str) -> None:
        """Counts a job that was not begun, for one of the reasons in POSTPONED."""
        self._postponed.labels(topic if topic in self._topics else UNKNOWN, reason).inc()

    @contextmanager
    def timed(self, topic: str) -> Iterator[Callable[[str], None]]:
        """Measures a try; the yielded function takes how it ended. A try without an end counts as `later`."""
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
    """What is not done yet, by topic, as the database tells it; set by the one process that reconciles."""

    def __init__(self, registry: CollectorRegistry, topics: Iterable[str]) -> None:
        self.pending = Gauge("jobs_pending", "Jobs not done yet.", ("topic",), registry=registry)
        self.oldest = Gauge(
            "jobs_oldest_age_seconds", "Age of the oldest job not done yet, else 0.", ("topic",), registry=registry
        )
        self._topics = frozenset(topics)
        self.set({})

    def set(self, backlog: Mapping[str, tuple[int, float]]) -> None:
        """`backlog` holds number and age by topic; those that it does not name have nothing to do."""
        for topic in self._topics:
            count, age = backlog.get(topic, (0, 0.0))
            self.pending.labels(topic).set(count)
            self.oldest.labels(topic).set(age)
