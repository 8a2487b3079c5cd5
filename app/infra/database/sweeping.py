"""Deletes old rows in bounded batches, so that no statement holds locks for long."""

from typing import Any, Final

from sqlalchemy import ColumnElement, delete, inspect, select, tuple_

from app.infra.database.orm import Base
from app.infra.database.sessions import WriteSession

BATCH: Final = 1000


async def delete_batch(
    session: WriteSession, table: type[Base], *conditions: ColumnElement[bool], limit: int = BATCH
) -> int:
    """Deletes at most `limit` rows that match all conditions; returns how many."""
    key: tuple[Any, ...] = inspect(table).primary_key
    chosen = select(*key).where(*conditions).limit(limit)
    statement = delete(table).where(tuple_(*key).in_(chosen)).returning(*key)
    return len((await session.execute(statement.execution_options(synchronize_session=False))).all())
