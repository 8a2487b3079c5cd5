"""Passwords: argon2id at OWASP's minimum of 19 MiB, at most two at once, off the event loop.

Source: https://cheatsheetseries.owasp.org/cheatsheets/Password_Storage_Cheat_Sheet.html
"""

import asyncio
import secrets
from base64 import b64encode
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Final

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from argon2.low_level import ARGON2_VERSION

MEMORY_KIB: Final = 19 * 1024
AT_ONCE: Final = 2
Verify = Callable[[str, str | None], Awaitable[bool]]


class Passwords:
    """Hashes and verifies. Two at once bound the memory to 38 MiB, which the pod's limit counts on."""

    def __init__(self) -> None:
        self._hasher = PasswordHasher(time_cost=2, memory_cost=MEMORY_KIB, parallelism=1)
        self._slots = asyncio.Semaphore(AT_ONCE)
        self._nobody = _of_nobody(self._hasher)

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


def _of_nobody(hasher: PasswordHasher) -> str:
    """A hash that no password fits and that takes as long to try: a digest by chance, where one would be computed."""
    salt, digest = (_encoded(secrets.token_bytes(length)) for length in (hasher.salt_len, hasher.hash_len))
    cost = f"m={hasher.memory_cost},t={hasher.time_cost},p={hasher.parallelism}"
    return f"$argon2{hasher.type.name.lower()}$v={ARGON2_VERSION}${cost}${salt}${digest}"


def _encoded(data: bytes) -> str:
    return b64encode(data).rstrip(b"=").decode()
