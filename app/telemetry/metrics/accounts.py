"""Metrics of logins and of rate limits."""

from typing import Final

from prometheus_client import CollectorRegistry

from app.telemetry.metrics.instruments import counter

LIMITERS: Final = ("hashing", "login", "read", "registration", "stream", "write")
LIMIT_DECISIONS: Final = ("allowed", "refused")
LOGIN_OUTCOMES: Final = ("ok", "wrong", "limited")


class LimitMetrics:
    """Counts the decisions of the limits."""

    def __init__(self, registry: CollectorRegistry) -> None:
        about = "Rate limit checks, by limiter and decision."
        self.decisions = counter(registry, "limiter_decisions", about, limiter=LIMITERS, decision=LIMIT_DECISIONS)
        about = "Times that rate limits switched from Redis to memory because Redis failed."
        self.fallbacks = counter(registry, "limiter_fallbacks", about)


class AccountMetrics:
    """Counts logins by outcome."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.logins = counter(registry, "logins", "Attempts to log in, by outcome.", outcome=LOGIN_OUTCOMES)
