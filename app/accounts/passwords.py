"""Passwords: argon2id at OWASP's minimum of 19 MiB, at most two at once, off the event loop.

Source: https://cheatsheetseries.owasp.org/cheatsheets/Password_Storage_Cheat_Sheet.html
"""

import asyncio
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Final

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

MEMORY_KIB: Final = 19 * 1024
AT_ONCE: Final = 2
Verify = Callable[[str, str | None], Awaitable[bool]]


class Passwords:
    """Hashes and verifies. Two at once bound the memory to 38 MiB, which the pod's limit counts on."""

    def __init__(self) -> None:
        self._hasher = PasswordHasher(time_cost=2, memory_cost=MEMORY_KIB, parallelism=1)
        self._slots = asyncio.Semaphore(AT_ONCE)
        self._nobody = self._hasher.hash(secrets.token_hex())

    async def hash(self, password: str) -> str:
        async with self._slots:
            return await asyncio.to_thread(self._hasher.hash, password)

    async def verify(self, password: str, stored: str | None) -> bool:
        """Whether the password fits. An unknown account (None) costs the same time as a wrong password."""
        async with self.turn() as verify:
            return await verify(password, stored)

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[Verify]:
        """One of the two places, for who has to look at something else between waiting for it and verifying."""
        async with self._slots:
            yield self._verify

    async def _verify(self, password: str, stored: str | None) -> bool:
        return await asyncio.to_thread(self._fits, password, stored or self._nobody) and stored is not None

    def _fits(self, password: str, stored: str) -> bool:
        try:
            return self._hasher.verify(stored, password)
        except (VerificationError, InvalidHashError, UnicodeEncodeError):
            return False
