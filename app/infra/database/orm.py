"""Base class of all tables, column types that behave alike on both databases, and the deletion of old rows."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, ClassVar, Final
from uuid import UUID

from sqlalchemy import ColumnElement, DateTime, MetaData, Uuid, delete, inspect, select, tuple_
from sqlalchemy.engine import Dialect
from sqlalchemy.orm import DeclarativeBase
from sqlalchemy.types import TypeDecorator

from app.infra.database.sessions import WriteSession

BATCH: Final = 1000  # rows that a statement deletes, so that none holds locks for long


class UtcDateTime(TypeDecorator[datetime]):
    """A point in time in UTC. SQLite stores no time zone, so it is added on reading."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        if value is not None and value.tzinfo is None:
            raise ValueError("a moment needs a zone")
        return value.astimezone(UTC) if value is not None else None

    def result_processor(self, dialect: Dialect, coltype: object) -> Callable[[Any], Any] | None:
        """Skips the conversion on PostgreSQL, which stores the time zone."""
        return super().result_processor(dialect, coltype) if dialect.name == "sqlite" else None

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        return value.replace(tzinfo=UTC) if value is not None and value.tzinfo is None else value


class Base(DeclarativeBase):
    """Base class of all tables. Constraints have names, which migrations need."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map: ClassVar[dict[Any, Any]] = {datetime: UtcDateTime, UUID: Uuid}


def now() -> datetime:
    return datetime.now(UTC)


async def delete_batch(
    session: WriteSession, table: type[Base], *conditions: ColumnElement[bool], limit: int = BATCH
) -> int:
    """Deletes at most `limit` rows that match all conditions; returns how many."""
    key: tuple[Any, ...] = inspect(table).primary_key
    chosen = select(*key).where(*conditions).limit(limit)
    statement = delete(table).where(tuple_(*key).in_(chosen)).returning(*key)
    return len((await session.execute(statement)).all())
