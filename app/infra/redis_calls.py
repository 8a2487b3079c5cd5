"""What is measured of Redis: each use of it, by what it is used for."""

from typing import Final

from prometheus_client import CollectorRegistry

from app.telemetry.metrics import DependencyMetrics
from app.telemetry.metrics.dependencies import STORE_OUTCOMES, StoreCalls

TARGET: Final = "redis"
OPERATIONS: Final = ("cache", "limits", "fanout", "queue")


def calls_of(operation: str, metrics: DependencyMetrics | None) -> StoreCalls:
    """Counts one of OPERATIONS; for nobody, without metrics."""
    metrics = metrics if metrics is not None else DependencyMetrics(CollectorRegistry())
    metrics.declare_calls(TARGET, [operation], STORE_OUTCOMES)
    return StoreCalls(metrics, TARGET, operation)


def outcome(error: Exception) -> str:
    """Which of STORE_OUTCOMES an error is."""
    from redis.exceptions import ConnectionError as RedisConnectionError  # noqa: PLC0415 -- 5 MB where there is no Redis
    from redis.exceptions import TimeoutError as RedisTimeoutError  # noqa: PLC0415

    if isinstance(error, (RedisTimeoutError, TimeoutError)):
        return "timeout"
    return "connection" if isinstance(error, (RedisConnectionError, OSError)) else "error"
