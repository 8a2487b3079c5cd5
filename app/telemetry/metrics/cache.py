"""Metrics of the caches."""

from typing import Final

from prometheus_client import CollectorRegistry

from app.telemetry.metrics.instruments import counter

CACHES: Final = ("items", "popular", "rates")
CACHE_OUTCOMES: Final = ("hit", "miss", "error", "stale")


class CacheMetrics:
    """Counts reads of each cache.

    `error` is a value that was made because Redis did not answer; `stale` one that could not be made, so that an older
    value was returned: it was counted as a miss or an error before.
    """

    def __init__(self, registry: CollectorRegistry) -> None:
        reads = counter(registry, "cache_requests", "Cache look-ups, by outcome.", cache=CACHES, outcome=CACHE_OUTCOMES)
        # Looked up once: `labels` takes longer than to read a cached value.
        self.hits, self.misses, self.errors, self.stale = (
            {cache: reads.labels(cache, outcome) for cache in CACHES} for outcome in CACHE_OUTCOMES
        )
        about = "Damaged cache entries in Redis that were dropped."
        self._damaged = counter(registry, "cache_damaged_entries", about, cache=CACHES)

    def is_damaged(self, cache: str) -> None:
        """Counts a damaged entry, which is dropped."""
        self._damaged.labels(cache).inc()
