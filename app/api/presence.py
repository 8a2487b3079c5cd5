"""Tracks the accounts in each room of this process, by any number of WebSockets."""

from collections import Counter
from uuid import UUID


class Presence:
    """Tells an account's first socket in a room from its others, so that only a change is announced.

    An announcement goes to every socket in the room: one for each socket would cost the square of their number.
    """

    def __init__(self) -> None:
        self._sockets: Counter[tuple[UUID, UUID]] = Counter()

    def enter(self, order_id: UUID, account_id: UUID) -> bool:
        """Adds a socket. Returns whether the account was not in the room before."""
        self._sockets[order_id, account_id] += 1
        return self._sockets[order_id, account_id] == 1

    def leave(self, order_id: UUID, account_id: UUID) -> bool:
        """Removes a socket. Returns whether the account has none in the room any more."""
        self._sockets[order_id, account_id] -= 1
        if self._sockets[order_id, account_id] > 0:
            return False
        del self._sockets[order_id, account_id]
        return True
