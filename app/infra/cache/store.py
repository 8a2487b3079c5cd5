"""What a cache needs of the place where its values lie.

An entry has a key, a random version and values by form: `v1` and `v2` of one item, say. A value is put under the
version that its maker saw before it began; a write deletes the entry with its version. So what was read before a write
can't be put after it, and a version never comes back.
"""

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Turn:
    """What somebody who found nothing is to do: take the `value` made since, wait unless `mine`, or make one.

    `version` is None while the store does not answer; what is made then can't be put.
    """

    version: bytes | None
    mine: bool = True
    value: bytes | None = None


class Store(Protocol):
    """A place for values. None of its operations raises for an outage."""

    @property
    def answers(self) -> bool:
        """False while the store is left alone after an outage."""

    async def read(self, key: str, form: str) -> bytes | None: ...

    async def begin(self, key: str, form: str, seconds: float) -> Turn:
        """Asks for the turn to make a value, which ends by `put`, by `give_up`, or after a time."""

    async def put(self, key: str, form: str, version: bytes | None, value: bytes) -> bool:
        """Ends a turn with its value. False when the entry was deleted since the turn began."""

    async def give_up(self, key: str, form: str) -> None:
        """Ends a turn without a value."""

    async def set(self, key: str, form: str, value: bytes, seconds: float) -> None: ...

    async def delete(self, key: str) -> None:
        """Deletes an entry, all its forms."""
