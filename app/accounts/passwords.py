"""Hashes passwords with argon2id at OWASP's minimum of 19 MiB, at most two at once, off the event loop.

Source: https://cheatsheetseries.owasp.org/cheatsheets/Password_Storage_Cheat_Sheet.html
"""

import asyncio
import math
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Final

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from argon2.low_level import ARGON2_VERSION

from app.errors import BusyError
from app.telemetry.metrics import LimitMetrics

MEMORY_KIB: Final = 19 * 1024
AT_ONCE: Final = 2
NEW_AT_ONCE: Final = 1  # so that registrations always leave one slot to logins
WAIT_SECONDS: Final = 2.0


class HashingBusyError(BusyError):
    code = "hashing_busy"


class Slot:
    """One of the permits to hash."""

    def __init__(self, hasher: PasswordHasher) -> None:
        self._hasher = hasher
        # Matches no password and takes as long to verify: zeros for the salt and the digest.
        cost = f"m={hasher.memory_cost},t={hasher.time_cost},p={hasher.parallelism}"
        self._nobody = f"$argon2id$v={ARGON2_VERSION}${cost}${'A' * 22}${'A' * 43}"

    async def hash(self, password: str) -> str:
        return await asyncio.to_thread(self._hasher.hash, password)

    async def verify(self, password: str, stored: str | None) -> bool:
        """Tests whether the password matches. An unknown account (None) takes the same time as a wrong password."""
        return await asyncio.to_thread(self._fits, password, stored or self._nobody) and stored is not None

    def _fits(self, password: str, stored: str) -> bool:
        try:
            return self._hasher.verify(stored, password)
        except (VerificationError, InvalidHashError, UnicodeEncodeError):
            return False


class Passwords:
    """Hashes and verifies. Two at once bound the memory to 38 MiB, which is part of the pod's limit.

    A caller waits for a slot for at most `wait_seconds`, and then gets HashingBusyError before any work is done.
    """

    def __init__(self, *, wait_seconds: float = WAIT_SECONDS, metrics: LimitMetrics | None = None) -> None:
        self._slot = Slot(PasswordHasher(time_cost=2, memory_cost=MEMORY_KIB, parallelism=1))
        self._all = asyncio.Semaphore(AT_ONCE)
        self._new = asyncio.Semaphore(NEW_AT_ONCE)
        self._wait_seconds = wait_seconds
        self._metrics = metrics

    async def hash(self, password: str) -> str:
        """Hashes the password of a new account. Raises HashingBusyError."""
        async with self.slot(new=True) as slot:
            return await slot.hash(password)

    async def verify(self, password: str, stored: str | None) -> bool:
        """Waits for a slot and verifies in it. Raises HashingBusyError."""
        async with self.slot() as slot:
            return await slot.verify(password, stored)

    @asynccontextmanager
    async def slot(self, *, new: bool = False) -> AsyncIterator[Slot]:
        """Waits for a slot, one of those for new accounts with `new`. Raises HashingBusyError."""
        async with AsyncExitStack() as held:
            try:
                async with asyncio.timeout(self._wait_seconds):
                    for semaphore in (self._new, self._all) if new else (self._all,):
                        await held.enter_async_context(semaphore)
            except TimeoutError:
                self._count("refused")
                raise HashingBusyError(
                    "Too many passwords are being checked at the moment; try again.",
                    retry_after=math.ceil(self._wait_seconds),
                ) from None
            self._count("allowed")
            yield self._slot

    def _count(self, decision: str) -> None:
        if self._metrics is not None:
            self._metrics.decisions.labels("hashing", decision).inc()
