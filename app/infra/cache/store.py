"""Interface between the cache and the place where its values are stored.

An entry has a key, a random version, and values by representation: `v1` and `v2` of one item, for example. A value is
stored under the version that was read before the value was made; a write deletes the entry with its version. So a value
that was read before a write can't be stored after it, and a version never comes back.
"""

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class FillLock:
    """Result of a miss: a `value` that was stored since, or a lock to make one. Wait unless it was `acquired`.

    `version` is None while the store is unavailable; a value that is made then can't be stored.
    """

    version: bytes | None
    acquired: bool = True
    value: bytes | None = None


class Store(Protocol):
    """A store of values. None of its operations raises during an outage."""

    @property
    def available(self) -> bool:
        """False while the store is skipped after an outage."""

    async def read(self, key: str, representation: str) -> bytes | None: ...

    async def acquire(self, key: str, representation: str, seconds: float) -> FillLock:
        """Tries to lock a value; the lock ends by `put`, by `release`, or after a time. `seconds` bound the entry."""

    async def put(self, key: str, representation: str, version: bytes | None, value: bytes) -> bool:
        """Stores a value and releases its lock. Returns False when the entry was deleted since."""

    async def release(self, key: str, representation: str) -> None:
        """Releases a lock without a value."""

    async def set(self, key: str, representation: str, value: bytes, seconds: float) -> None: ...

    async def delete(self, key: str) -> None:
        """Deletes an entry with all its representations."""
