"""What the uses of Redis have in common: how long they wait for it, and what is measured of them."""

from typing import Final

from prometheus_client import CollectorRegistry

from app.telemetry.metrics import DependencyMetrics
from app.telemetry.metrics.dependencies import STORE_OUTCOMES, StoreCalls

TARGET: Final = "redis"
OPERATIONS: Final = ("cache", "limits", "fanout", "queue")
REDIS_SECONDS: Final = 0.25  # to connect, for a connection that others use, and for an answer
RETRY_SECONDS: Final = 2.0  # after a failure Redis is not asked for so long


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


def is_damage(error: Exception) -> bool:
    """Recognises errors of a single damaged key, while Redis itself is well."""
    from redis.exceptions import ResponseError  # noqa: PLC0415

    damaged = ("WRONGTYPE", "not an integer", "out of range", "arithmetic", "attempt to compare")
    if isinstance(error, ResponseError):
        return any(sign in str(error) for sign in damaged)
    return isinstance(error, (ValueError, TypeError))
