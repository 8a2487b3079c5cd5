"""Metrics of logins and of rate limits."""

from typing import Final

from prometheus_client import CollectorRegistry, Counter

from app.telemetry.metrics.counters import counter

LIMITERS: Final = ("hashing", "login", "read", "registration", "stream", "write")
LIMIT_DECISIONS: Final = ("allowed", "refused")
LOGIN_OUTCOMES: Final = ("ok", "wrong", "limited")


class LimitMetrics:
    """Counts the decisions of the limits."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.decisions = counter(
            registry,
            "limiter_decisions",
            "Rate limit checks, by limiter and decision.",
            limiter=LIMITERS,
            decision=LIMIT_DECISIONS,
        )
        self.fallbacks = Counter(
            "limiter_fallbacks",
            "Times that rate limits switched from Redis to memory because Redis failed.",
            registry=registry,
        )


class AccountMetrics:
    """Counts logins by outcome."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.logins = counter(registry, "logins", "Attempts to log in, by outcome.", outcome=LOGIN_OUTCOMES)
