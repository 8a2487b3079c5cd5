"""What caches answer themselves, and what they have to ask for."""

from typing import Final

from prometheus_client import CollectorRegistry, Counter

CACHES: Final = ("items", "popular", "rates")
CACHE_OUTCOMES: Final = ("hit", "miss", "error", "stale")


class CacheMetrics:
    """Counts what is asked of each cache.

    `error` is what had to be made because Redis was gone; `stale` what could not be made, so that an older value was
    given instead: it was counted as a miss or an error before.
    """

    def __init__(self, registry: CollectorRegistry) -> None:
        self.requests = Counter("cache_requests", "Values asked of a cache.", ("cache", "outcome"), registry=registry)
        # Looked up once: `labels` takes longer than a cached value.
        series = {
            outcome: {cache: self.requests.labels(cache, outcome) for cache in CACHES} for outcome in CACHE_OUTCOMES
        }
        self._damaged = Counter(
            "cache_damaged_entries",
            "Cache entries in Redis that were damaged, and were dropped.",
            ("cache",),
            registry=registry,
        )
        for cache in CACHES:
            self._damaged.labels(cache)
        self.hits, self.misses, self.errors, self.stale = (series[outcome] for outcome in CACHE_OUTCOMES)

    def is_damaged(self, cache: str) -> None:
        """Counts an entry that is dropped."""
        self._damaged.labels(cache).inc()
