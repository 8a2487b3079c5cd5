"""Metrics of background jobs, by topic, and of the queue that announces them."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Final

from prometheus_client import CollectorRegistry

from app.telemetry.metrics.instruments import counter, gauge, histogram

JOB_BUCKETS: Final = (0.01, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0)
_NOT_DONE: Final = ("again", "later", "dead", "not_ours")
UNKNOWN: Final = "unknown"  # a topic of a newer version
POSTPONED: Final = ("breaker_open", "no_slot")


class JobMetrics:
    """Counts and times the attempts of jobs.

    Outcomes: `done`; `again` (a time slice of a long job is over); `later` (it failed, and is retried); `dead` (it is
    dead-lettered); `not_ours` (another worker took it over).
    """

    def __init__(self, registry: CollectorRegistry, topics: Iterable[str]) -> None:
        self._topics = frozenset(topics)
        labels, outcomes = (*self._topics, UNKNOWN), ("done", *_NOT_DONE)
        about = "Job attempts that ended, by outcome."
        self.finished = counter(registry, "jobs_finished", about, topic=labels, outcome=outcomes)
        about = "Duration of one job attempt."
        self.duration = histogram(registry, "job_duration_seconds", about, JOB_BUCKETS, topic=labels)
        about = "Time from the request of a job to the start of its first attempt."
        self.wait = histogram(registry, "job_wait_seconds", about, JOB_BUCKETS, topic=labels)
        about = "Jobs not started because the circuit breaker of their dependency is open or no slot is free."
        self._postponed = counter(registry, "jobs_postponed", about, topic=labels, reason=POSTPONED)

    def waited(self, topic: str, seconds: float) -> None:
        """Observes the seconds that a job waited for its first attempt."""
        self.wait.labels(topic if topic in self._topics else UNKNOWN).observe(max(0.0, seconds))

    def postponed(self, topic: str, reason: str) -> None:
        """Counts a job that was not started, for one of the reasons in POSTPONED."""
        self._postponed.labels(topic if topic in self._topics else UNKNOWN, reason).inc()

    @contextmanager
    def timed(self, topic: str) -> Iterator[Callable[[str], None]]:
        """Measures an attempt; the yielded function takes its outcome, which is `later` when it is not called."""
        label = topic if topic in self._topics else UNKNOWN
        outcome = "later"

        def ended(how: str) -> None:
            nonlocal outcome
            outcome = how if how in _NOT_DONE else "done"

        try:
            with self.duration.labels(label).time():
                yield ended
        finally:
            self.finished.labels(label, outcome).inc()


class BacklogMetrics:
    """Gauges of pending jobs by topic, read from the database; set by the one process that reconciles."""

    def __init__(self, registry: CollectorRegistry, topics: Iterable[str]) -> None:
        self._topics = frozenset(topics)
        self.pending = gauge(registry, "jobs_pending", "Pending jobs.", topic=self._topics)
        about = "Age of the oldest pending job; 0 without one."
        self.oldest = gauge(registry, "jobs_oldest_age_seconds", about, topic=self._topics)

    def set(self, backlog: Mapping[str, tuple[int, float]]) -> None:
        """Sets the gauges to the number and age of each topic in `backlog`, and to 0 for all other topics."""
        for topic in self._topics:
            count, age = backlog.get(topic, (0, 0.0))
            self.pending.labels(topic).set(count)
            self.oldest.labels(topic).set(age)


class DroppedMessageMetrics:
    """Counts dropped messages of the queue by reason: `undecodable`, `malformed` or `unknown_task`."""

    def __init__(self, registry: CollectorRegistry, reasons: Iterable[str]) -> None:
        about = "Queue messages dropped because they could not be read."
        self._dropped = counter(registry, "queue_messages_dropped", about, reason=reasons)

    def dropped(self, reason: str) -> None:
        """Counts a dropped message."""
        self._dropped.labels(reason).inc()
