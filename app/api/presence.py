"""Tracks the accounts in each room of this process, by any number of WebSockets."""

from collections import Counter
from uuid import UUID


class Presence:
    """Tells an account's first socket in a room from its others, so that only a change is announced.

    An announcement goes to every socket in the room: one for each socket would be quadratic.
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
