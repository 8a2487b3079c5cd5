"""Values in this process, bounded in number and in bytes; what was used least lately goes first."""

import time
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Final
from uuid import uuid4

from app.infra.cache.store import Turn

ENTRIES: Final = 4096
BYTES: Final = 8 * 2**20


@dataclass(slots=True)
class _Entry:
    version: bytes
    expires: float
    values: dict[str, bytes] = field(default_factory=dict)

    @property
    def size(self) -> int:
        return sum(map(len, self.values.values()))


class Memory:
    """A store for one process. Who waits for whose turn is settled in the process itself: each turn is one's own."""

    answers = True

    def __init__(self, entries: int = ENTRIES, size: int = BYTES) -> None:
        self._entries: OrderedDict[str, _Entry] = OrderedDict()
        self._most_entries = entries
        self._most_bytes = size
        self._bytes = 0

    async def read(self, key: str, form: str) -> bytes | None:
        entry = self._live(key)
        return entry.values.get(form) if entry is not None else None

    async def begin(self, key: str, form: str, seconds: float) -> Turn:
        entry = self._live(key) or self._new(key, seconds)
        return Turn(entry.version, value=entry.values.get(form))

    async def put(self, key: str, form: str, version: bytes | None, value: bytes) -> bool:
        entry = self._live(key)
        if entry is None or entry.version != version:
            return False
        self._bytes += len(value) - len(entry.values.get(form, b""))
        entry.values[form] = value
        self._make_room()
        return True

    async def give_up(self, key: str, form: str) -> None:
        """Nobody waits."""

    async def set(self, key: str, form: str, value: bytes, seconds: float) -> None:
        await self.delete(key)
        await self.put(key, form, self._new(key, seconds).version, value)

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
        self._make_room()
        return entry

    def _make_room(self) -> None:
        while len(self._entries) > self._most_entries or self._bytes > self._most_bytes:
            _, oldest = self._entries.popitem(last=False)
            self._bytes -= oldest.size
