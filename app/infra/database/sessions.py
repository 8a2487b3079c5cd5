"""Sessions for reads and writes. A read is repeated once when its connection is stale."""

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, Protocol

from sqlalchemy import Executable, Result
from sqlalchemy.ext.asyncio import AsyncSession

from app.infra.database.outages import is_stale


class Reads(Protocol):
    """Runs statements and returns their rows, as sessions and connections do."""

    async def execute(self, statement: Executable, params: Any = None, /) -> Result[*tuple[Any, ...]]: ...


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
