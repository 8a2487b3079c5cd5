"""Reads rows, with a connection for each statement."""

from typing import Any

from sqlalchemy import Engine, Executable, Result
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlalchemy.util import greenlet_spawn

from app.infra.database.outages import is_stale


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
