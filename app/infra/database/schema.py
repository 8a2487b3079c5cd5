"""Migrates the database's schema. Alembic is imported on use: it takes a fifth of the start of a server."""

import asyncio
import sqlite3
import time
from argparse import Namespace
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeVar

import structlog
from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError, OperationalError, ProgrammingError

from app.infra.database.database import Database
from app.infra.database.engine import create_engine, for_writing
from app.infra.database.outages import outage_of, sqlstate
from app.settings import Settings

if TYPE_CHECKING:
    from alembic.config import Config

MIGRATIONS: Final = Path(__file__).parents[2] / "migrations"
PATIENCE_SECONDS: Final = 120.0
T = TypeVar("T")
_UNDEFINED_TABLE: Final = "42P01"
_ADVISORY_LOCK: Final = 4_209_000_001  # arbitrary, but the same in every release
# Lifts, for one transaction, limits that a role or database may set and this PostgreSQL knows.
_WITHOUT_LIMITS: Final = text(
    "SELECT set_config(name, '0', true) FROM pg_settings WHERE name IN ('statement_timeout', 'lock_timeout',"
    " 'idle_in_transaction_session_timeout', 'transaction_timeout')"
)


@dataclass(frozen=True, slots=True)
class Revisions:
    """Revisions that this code knows, oldest first; it was written for the last one."""

    known: tuple[str, ...]

    @property
    def head(self) -> str:
        return self.known[-1]

    def serves(self, found: str | None) -> bool:
        """Tests whether this code works with a schema.

        An unknown revision belongs to a newer release, which keeps the previous release working.
        """
        return found is not None and (found == self.head or found not in self.known)


def revisions() -> Revisions:
    """Reads the migrations of this code."""
    from alembic.script import ScriptDirectory  # noqa: PLC0415

    script = ScriptDirectory.from_config(alembic_config())
    return Revisions(tuple(reversed([revision.revision for revision in script.walk_revisions()])))


async def current_revision(database: Database) -> str | None:
    """Returns the database's revision; None before the first migration."""
    async with database.read() as session:
        try:
            return (await session.execute(text("SELECT version_num FROM alembic_version"))).scalar_one_or_none()
        except (ProgrammingError, OperationalError) as error:
            if not _is_missing_table(error):
                raise
            return None


def _is_missing_table(error: DBAPIError) -> bool:
    if isinstance(error.orig, sqlite3.Error):
        return "no such table" in str(error.orig)
    return sqlstate(error.orig) == _UNDEFINED_TABLE


def migrate(settings: Settings) -> None:
    """Upgrades to this code's head. Raises MigrationFailedError; TimeoutError without a database for two minutes."""
    asyncio.run(when_it_answers(settings, _upgrade, "migrating"))


def wait_until_current(settings: Settings) -> None:
    """Returns when the schema serves this code. Raises TimeoutError after two minutes."""
    asyncio.run(when_it_answers(settings, _require_current, "waiting for the migration"))


class MigrationFailedError(Exception):
    """The database rejected a migration, which was rolled back; the message names the revisions and the reason."""


class _NotYetError(Exception):
    pass


async def when_it_answers(settings: Settings, work: Callable[[Connection], T], doing: str) -> T:
    """Runs `work` in one transaction once the database answers. Raises TimeoutError after two minutes."""
    log = structlog.get_logger()
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        engine = create_engine(settings, limited=False)
        try:
            async with for_writing(engine).begin() as connection:
                return await connection.run_sync(work)
        except Exception as error:
            if not (isinstance(error, _NotYetError) or outage_of(error) is not None):
                raise
            if time.monotonic() > deadline:
                raise TimeoutError(
                    f"{doing}: the database was not ready after {PATIENCE_SECONDS:g} s: {error}"
                ) from error
            # A driver's message may contain secrets: it is not logged, and shown in the command's final error alone.
            reason = str(error) if isinstance(error, _NotYetError) else type(error).__name__
            log.info("database_not_ready", doing=doing, reason=reason)
            await asyncio.sleep(1)
        finally:
            await engine.dispose()


def lock(connection: Connection) -> None:
    """Waits for other migrators, and takes the time limits off this transaction. SQLite has one writer anyway."""
    if connection.dialect.name == "postgresql":
        # A migration's statements, and another migration, may take any time. But a wait for a table ends after half a
        # minute, since all other statements on the table wait behind it.
        connection.execute(_WITHOUT_LIMITS)
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _ADVISORY_LOCK})
        connection.execute(text("SET LOCAL lock_timeout = '30s'"))


def _upgrade(connection: Connection) -> None:
    from alembic import command  # noqa: PLC0415

    lock(connection)
    log, found, wanted = structlog.get_logger(), found_revision(connection), revisions()
    if found == wanted.head:
        return
    if found not in (None, *wanted.known):
        log.info("schema_is_newer", found=found, known=wanted.head)
        return
    try:
        command.upgrade(alembic_config(connection), "head")
    except DBAPIError as error:
        if outage_of(error) is not None:
            raise
        raise MigrationFailedError(f"from {found} to {wanted.head}: {_first_line(error)}") from error
    log.info("schema_migrated", was=found, now=wanted.head)


def _first_line(error: DBAPIError) -> str:
    """Returns the database's message without its further lines, which may quote rows."""
    cause = (error.orig and error.orig.__cause__) or error.orig or error
    return f"{type(cause).__name__}: {str(cause).partition(chr(10))[0]}"


def _require_current(connection: Connection) -> None:
    if not revisions().serves(found_revision(connection)):
        raise _NotYetError("the schema is not the one of this version yet")


def found_revision(connection: Connection) -> str | None:
    """The revision that the database is at; None before the first migration."""
    from alembic.runtime.migration import MigrationContext  # noqa: PLC0415

    return MigrationContext.configure(connection).get_current_revision()


def alembic_config(connection: Connection | None = None) -> "Config":
    """Alembic's configuration for this code's migrations, on this connection."""
    from alembic.config import Config  # noqa: PLC0415

    config = Config(attributes={"connection": connection}, cmd_opts=Namespace(quiet=True))
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))  # % begins a reference there
    config.set_main_option("file_template", "%%(rev)s_%%(slug)s")
    config.set_main_option("truncate_slug_length", "80")
    return config
