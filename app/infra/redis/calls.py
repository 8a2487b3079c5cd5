"""Time limits, metrics and error classes that all uses of Redis share."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from prometheus_client import CollectorRegistry

from app.telemetry.metrics import DependencyMetrics
from app.telemetry.metrics.dependencies import STORE_OUTCOMES, StoreCalls

TARGET: Final = "redis"
OPERATIONS: Final = ("cache", "limits", "fanout", "queue")
REDIS_SECONDS: Final = 0.25  # to connect, to wait for a free connection, and to wait for a reply
RETRY_SECONDS: Final = 2.0  # for which calls are skipped after an outage


def calls_of(operation: str, metrics: DependencyMetrics | None) -> StoreCalls:
    """Returns the counters of one of OPERATIONS; without metrics, counters that nobody reads."""
    metrics = metrics if metrics is not None else DependencyMetrics(CollectorRegistry())
    metrics.declare_calls(TARGET, [operation], STORE_OUTCOMES)
    return StoreCalls(metrics, TARGET, operation)


@contextmanager
def timed_call(calls: StoreCalls) -> Iterator[None]:
    """Counts a call by its outcome, and its duration; a call that is cancelled is not counted."""
    started = calls.begin()
    try:
        yield
    except Exception as error:
        calls.ended(started, outcome(error))
        raise
    calls.ended(started)


def outcome(error: Exception) -> str:
    """Returns which of STORE_OUTCOMES an error is."""
    from redis import exceptions  # noqa: PLC0415 -- 5 MB where there is no Redis

    if isinstance(error, (exceptions.TimeoutError, TimeoutError)):
        return "timeout"
    return "connection" if isinstance(error, (exceptions.ConnectionError, OSError)) else "error"


def is_damage(error: Exception) -> bool:
    """Recognises errors of a single damaged key, while Redis itself is well."""
    from redis.exceptions import ResponseError  # noqa: PLC0415

    damaged = ("WRONGTYPE", "not an integer", "out of range", "arithmetic", "attempt to compare")
    if isinstance(error, ResponseError):
        return any(sign in str(error) for sign in damaged)
    return isinstance(error, (ValueError, TypeError))


def is_outage(error: Exception) -> bool:
    """Recognises errors of Redis and of the connection to it; all others are faults of this code."""
    from redis import RedisError  # noqa: PLC0415

    return isinstance(error, (RedisError, OSError, TimeoutError))


class Pause:
    """Skips Redis for RETRY_SECONDS after an outage, so that a call that can't succeed costs no time."""

    _until = 0.0  # of time.monotonic()

    @property
    def active(self) -> bool:
        return time.monotonic() < self._until

    def begin(self, error: Exception) -> bool:
        """Begins a pause; returns False when one is under way. Raises the error unless it is an outage."""
        if not is_outage(error):
            raise error
        if self.active:
            return False
        self._until = time.monotonic() + RETRY_SECONDS
        return True
