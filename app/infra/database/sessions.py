"""Rows, and sessions for reads and writes. A read is repeated once when its connection is stale."""

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, Protocol

from sqlalchemy import Engine, Executable, Result
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession
from sqlalchemy.util import greenlet_spawn

from app.infra.database.outages import is_stale


class Reads(Protocol):
    """Runs statements and returns their rows, as sessions and connections do."""

    async def execute(self, statement: Executable, params: Any = None, /) -> Result[*tuple[Any, ...]]: ...


class Rows:
    """Runs statements as a connection does, and holds none between two.

    AsyncConnection switches to the driver's greenlet and back when it is opened, used and closed, and closes in a task
    of its own; a single switch halves SQLAlchemy's cost of a read.
    """

    __slots__ = ("_engine",)

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine.sync_engine

    async def execute(self, statement: Executable, params: Any = None, /) -> Result[*tuple[Any, ...]]:
        """Returns the result with all its rows: the adapters of asyncpg and aiosqlite fetch them at once.

        Repeats the statement once after a stale connection, as ReadSession does.
        """
        try:
            return await greenlet_spawn(_execute, self._engine, statement, params)
        except Exception as error:
            if not is_stale(error):
                raise
        return await greenlet_spawn(_execute, self._engine, statement, params)


def _execute(engine: Engine, statement: Executable, params: Any) -> Result[*tuple[Any, ...]]:
    with engine.connect() as connection:
        return connection.execute(statement, params)


class ReadSession(AsyncSession):
    """Reads committed data, each statement by itself; a stale connection costs one repetition."""

    if not TYPE_CHECKING:  # signatures of AsyncSession

        async def execute(self, *arguments: Any, **options: Any) -> Any:
            return await self._repeat_when_stale(super().execute, *arguments, **options)

        async def get(self, *arguments: Any, **options: Any) -> Any:
            return await self._repeat_when_stale(super().get, *arguments, **options)

    async def _repeat_when_stale(self, call: Callable[..., Awaitable[Any]], *arguments: Any, **options: Any) -> Any:
        try:
            return await call(*arguments, **options)
        except Exception as error:
            if not is_stale(error):
                raise
        await self.close()  # returns the connection; entities keep their values
        return await call(*arguments, **options)


class WriteSession(ReadSession):
    """Runs one transaction, committed when its block ends without an error. Nothing is repeated."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.when_committed: list[Callable[[], Awaitable[None]]] = []

    def after_commit(self, callback: Callable[[], Awaitable[None]]) -> None:
        """Runs `callback` after the commit and before the block is left; never without a commit."""
        self.when_committed.append(callback)

    async def _repeat_when_stale(self, call: Callable[..., Awaitable[Any]], *arguments: Any, **options: Any) -> Any:
        return await call(*arguments, **options)
