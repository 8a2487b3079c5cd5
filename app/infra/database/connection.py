"""Connections of asyncpg: one that closes in bounded time, and one for transaction pooling."""

import asyncio
from typing import Any, Final

import asyncpg
from asyncpg.transaction import Transaction

CLOSE_SECONDS: Final = 0.5


class Connection(asyncpg.Connection):  # type: ignore[misc]  # asyncpg has no types
    """A connection that closes within CLOSE_SECONDS, even when the server does not answer."""

    async def close(self, *, timeout: float | None = None) -> None:  # noqa: ASYNC109 -- asyncpg's signature
        try:
            async with asyncio.timeout(min(timeout or CLOSE_SECONDS, CLOSE_SECONDS)):
                await super().close(timeout=timeout)
        except TimeoutError:
            self.terminate()


class PooledConnection(Connection):
    """A connection behind a transaction pooler: between transactions other clients use the server's side.

    So each transaction sets what is otherwise set once a session.
    """

    limits = ""

    def transaction(self, **options: Any) -> Transaction:
        return _Limited(self, **{"isolation": None, "readonly": False, "deferrable": False, **options})

    async def set_type_codec(self, *arguments: Any, **options: Any) -> None:
        async with self.transaction():
            await super().set_type_codec(*arguments, **options)


class _Limited(Transaction):  # type: ignore[misc]  # asyncpg has no types
    async def start(self) -> None:
        await super().start()
        if self._connection.limits:
            await self._connection.execute(self._connection.limits)
