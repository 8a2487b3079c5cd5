"""Metrics of log-ins and rate limits."""

from typing import Final

from prometheus_client import CollectorRegistry, Counter

LIMITERS: Final = ("hashing", "login", "read", "registration", "stream", "write")
LIMIT_DECISIONS: Final = ("allowed", "refused")
LOGIN_OUTCOMES: Final = ("ok", "wrong", "limited")


class LimitMetrics:
    """Decisions of rate limits, and fallbacks to memory."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.decisions = Counter(
            "limiter_decisions",
            "Rate limit checks, by limiter and decision.",
            ("limiter", "decision"),
            registry=registry,
        )
        self.fallbacks = Counter(
            "limiter_fallbacks",
            "Times that rate limits switched from Redis to memory because Redis failed.",
            registry=registry,
        )
        for limiter in LIMITERS:
            for decision in LIMIT_DECISIONS:
                self.decisions.labels(limiter, decision)


class AccountMetrics:
    """Attempts to log in, by outcome."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.logins = Counter("logins", "Attempts to log in, by outcome.", ("outcome",), registry=registry)
        for outcome in LOGIN_OUTCOMES:
            self.logins.labels(outcome)
