"""A least-recently-used store in this process, bounded in entries and in bytes."""

import time
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Final
from uuid import uuid4

from app.infra.cache.store import FillLock

MAX_ENTRIES: Final = 4096
MAX_BYTES: Final = 8 * 2**20


@dataclass(slots=True)
class _Entry:
    version: bytes
    expires: float
    values: dict[str, bytes] = field(default_factory=dict)

    @property
    def size(self) -> int:
        return sum(map(len, self.values.values()))


class Memory:
    """A store for one process. Every lock is acquired: the cache itself makes each value once in a process."""

    available = True

    def __init__(self, entries: int = MAX_ENTRIES, size: int = MAX_BYTES) -> None:
        self._entries: OrderedDict[str, _Entry] = OrderedDict()
        self._max_entries = entries
        self._max_bytes = size
        self._bytes = 0

    async def read(self, key: str, representation: str) -> bytes | None:
        entry = self._live(key)
        return entry.values.get(representation) if entry is not None else None

    async def acquire(self, key: str, representation: str, seconds: float) -> FillLock:
        entry = self._live(key) or self._new(key, seconds)
        return FillLock(entry.version, value=entry.values.get(representation))

    async def put(self, key: str, representation: str, version: bytes | None, value: bytes) -> bool:
        entry = self._live(key)
        if entry is None or entry.version != version:
            return False
        self._bytes += len(value) - len(entry.values.get(representation, b""))
        entry.values[representation] = value
        self._evict()
        return True

    async def release(self, key: str, representation: str) -> None:
        """Does nothing: no other process waits."""

    async def set(self, key: str, representation: str, value: bytes, seconds: float) -> None:
        await self.delete(key)
        await self.put(key, representation, self._new(key, seconds).version, value)

    async def delete(self, key: str) -> None:
        entry = self._entries.pop(key, None)
        if entry is not None:
            self._bytes -= entry.size

    def _live(self, key: str) -> _Entry | None:
        entry = self._entries.get(key)
        if entry is None:
            return None
        if entry.expires <= time.monotonic():
            self._bytes -= self._entries.pop(key).size
            return None
        self._entries.move_to_end(key)
        return entry

    def _new(self, key: str, seconds: float) -> _Entry:
        entry = self._entries[key] = _Entry(uuid4().bytes, time.monotonic() + seconds)
        self._evict()
        return entry

    def _evict(self) -> None:
        while len(self._entries) > self._max_entries or self._bytes > self._max_bytes:
            _, oldest = self._entries.popitem(last=False)
            self._bytes -= oldest.size
