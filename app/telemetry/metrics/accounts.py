"""Who gets in, and who is told to wait."""

from typing import Final

from prometheus_client import CollectorRegistry, Counter

LIMITERS: Final = ("hashing", "login", "read", "registration", "stream", "write")
LIMIT_DECISIONS: Final = ("allowed", "refused")
LOGIN_OUTCOMES: Final = ("ok", "wrong", "limited")


class LimitMetrics:
    """What the limits decided."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.decisions = Counter("limiter_decisions", "Checks of a limit.", ("limiter", "decision"), registry=registry)
        self.fallbacks = Counter(
            "limiter_fallbacks", "Times that Redis was given up and limits went on in memory.", registry=registry
        )
        for limiter in LIMITERS:
            for decision in LIMIT_DECISIONS:
                self.decisions.labels(limiter, decision)


class AccountMetrics:
    """Who gets in."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.logins = Counter("logins", "Attempts to log in.", ("outcome",), registry=registry)
        for outcome in LOGIN_OUTCOMES:
            self.logins.labels(outcome)
