"""Tracks which accounts have WebSockets in each room of this process."""

from collections import Counter
from uuid import UUID


class Presence:
    """Counts an account's sockets in a room, so that only the first and the last one are announced.

    An announcement is sent to every socket in the room. One announcement for each socket would be quadratic.
    """

    def __init__(self) -> None:
        self._sockets: Counter[tuple[UUID, UUID]] = Counter()

    def enter(self, order_id: UUID, account_id: UUID) -> bool:
        """Adds a socket. Returns whether it is the account's first in the room."""
        self._sockets[order_id, account_id] += 1
        return self._sockets[order_id, account_id] == 1

    def leave(self, order_id: UUID, account_id: UUID) -> bool:
        """Removes a socket. Returns whether it was the account's last in the room."""
        self._sockets[order_id, account_id] -= 1
        if self._sockets[order_id, account_id] > 0:
            return False
        del self._sockets[order_id, account_id]
        return True
