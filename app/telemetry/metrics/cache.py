"""Metrics of caches."""

from typing import Final

from prometheus_client import CollectorRegistry, Counter

CACHES: Final = ("items", "popular", "rates")
CACHE_OUTCOMES: Final = ("hit", "miss", "error", "stale")


class CacheMetrics:
    """Cache look-ups by outcome.

    `error`: Redis failed, so the value was loaded. `stale`: loading failed, so an older value was returned; the look-up
    is also counted as `miss` or `error`.
    """

    def __init__(self, registry: CollectorRegistry) -> None:
        self.requests = Counter(
            "cache_requests", "Cache look-ups, by outcome.", ("cache", "outcome"), registry=registry
        )
        # Looked up once, since `labels` takes longer than reading a cached value.
        series = {
            outcome: {cache: self.requests.labels(cache, outcome) for cache in CACHES} for outcome in CACHE_OUTCOMES
        }
        self._damaged = Counter(
            "cache_damaged_entries",
            "Damaged cache entries in Redis that were dropped.",
            ("cache",),
            registry=registry,
        )
        for cache in CACHES:
            self._damaged.labels(cache)
        self.hits, self.misses, self.errors, self.stale = (series[outcome] for outcome in CACHE_OUTCOMES)

    def is_damaged(self, cache: str) -> None:
        """Counts a damaged entry, which is dropped."""
        self._damaged.labels(cache).inc()
