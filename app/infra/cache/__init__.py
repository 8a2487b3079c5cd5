"""The cache: bytes by key, in this process, or in Redis for all replicas."""

from app.infra.cache.cache import Cache, open_cache

__all__ = ["Cache", "open_cache"]
