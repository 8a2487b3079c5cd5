"""Migrations create the schema of the models, also when several processes migrate concurrently."""

import asyncio
import re
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import asyncpg
import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from app.infra.database import open_database, schema
from app.infra.database.engine import create_engine
from app.infra.database.orm import Base
from app.settings import Settings, read
from tests.support.processes import Processes, wait_until

if TYPE_CHECKING:
    from sqlalchemy import Connection

pytestmark = pytest.mark.anyio


def _in_the_models(_object: object, name: str | None, kind: str, *_rest: object) -> bool:
    """The words of items have no type that both databases know; tests/app/catalog/test_search.py uses them."""
    return not (kind in ("table", "index") and name is not None and name.startswith(("items_words", "ix_items_words")))


def _default_differs(
    _context: object, _column: object, _declared: object, found: str | None, *rendered: object
) -> bool:
    """Compares defaults as text: Alembic asks PostgreSQL, which compares no JSON."""
    return not (found or "").startswith("nextval(") and _constant(found) != _constant(rendered[-1])


def _constant(default: object) -> str | None:
    return None if default is None else re.sub(r"::[\w ]+$", "", str(default)).strip("'()")


async def _differences(settings: Settings) -> list[object]:
    engine = create_engine(settings)

    def compare(connection: "Connection") -> list[object]:
        options = {"include_object": _in_the_models, "compare_server_default": _default_differs}
        context = MigrationContext.configure(connection, opts=options)
        return list(compare_metadata(context, Base.metadata))

    async with engine.connect() as connection:
        found = await connection.run_sync(compare)
    await engine.dispose()
    return found


async def _write(settings: Settings, statement: str) -> None:
    async with open_database(settings) as database, database.write() as session:
        await session.execute(text(statement))


async def _revision(settings: Settings) -> str | None:
    async with open_database(settings) as database:
        return await schema.current_revision(database)


async def test_the_migrations_make_what_the_models_say(settings: Settings) -> None:
    assert await _differences(settings) == []
    await _write(settings, "DROP TABLE outbox")
    assert await _differences(settings) != [], "the comparison sees a difference"


def test_on_sqlite_no_write_comes_between_the_check_and_the_migration(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SQLite does not wait when a read transaction becomes a write: it fails if another has written since."""
    settings, look, written = read(state_dir=tmp_path, _env_file=None), schema.found_revision, []

    def write_between(connection: "Connection") -> str | None:
        found = look(connection)
        with closing(sqlite3.connect(settings.database_file, timeout=0)) as other:
            try:
                other.execute("CREATE TABLE written_meanwhile (id INTEGER)")
                written.append(True)
            except sqlite3.OperationalError:
                written.append(False)
        return found

    monkeypatch.setattr(schema, "found_revision", write_between)
    schema.migrate(settings)
    assert written == [False]


def test_migrating_twice_changes_nothing(empty: Settings) -> None:
    schema.migrate(empty)
    schema.migrate(empty)
    schema.wait_until_current(empty)


def test_two_concurrent_migrations_both_succeed(empty: Settings, processes: Processes) -> None:
    database = {"DATABASE_URL": empty.database_url.get_secret_value()} if empty.database_url else {}
    migrating = [processes.start("migrate", STATE_DIR=empty.state_dir, **database) for _ in range(2)]
    assert [process.wait() for process in migrating] == [0, 0]
    schema.wait_until_current(empty)


async def test_before_the_first_migration_there_is_no_revision(empty: Settings) -> None:
    assert await _revision(empty) is None


async def test_a_schema_of_a_newer_version_is_left_unchanged(settings: Settings) -> None:
    await _write(settings, "UPDATE alembic_version SET version_num = '9999'")
    with ThreadPoolExecutor(1) as thread:  # each of these runs its own event loop
        thread.submit(schema.migrate, settings).result(timeout=60)
        thread.submit(schema.wait_until_current, settings).result(timeout=60)
    assert await _revision(settings) == "9999"


def test_waiting_for_a_migration_is_logged_and_ends_with_it(empty: Settings, capfd: pytest.CaptureFixture[str]) -> None:
    output: list[str] = []

    def waits() -> bool:
        output.append(capfd.readouterr().out)
        return "database_not_ready" in "".join(output)

    with ThreadPoolExecutor(1) as thread:
        waiting = thread.submit(schema.wait_until_current, empty)
        wait_until(waits, 30, "a line that says what is waited for")
        assert not waiting.done()
        schema.migrate(empty)
        waiting.result(timeout=30)
    assert "the schema is not the one of this version yet" in "".join(output)


def test_schemas_that_this_code_can_serve() -> None:
    revisions = schema.Revisions(("0001", "0002"))
    assert [revisions.serves(found) for found in (None, "0001", "0002", "0003")] == [False, False, True, True]
    assert schema.revisions().head == schema.revisions().known[-1]


def test_an_unreachable_database_ends_the_wait_with_a_reason(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(schema, "PATIENCE_SECONDS", 0.0)
    gone = read(database_url="postgresql://binnacle:s3cret@127.0.0.1:9/binnacle", _env_file=None)
    for work in (schema.migrate, schema.wait_until_current):
        with pytest.raises(TimeoutError) as late:
            work(gone)
        assert "s3cret" not in str(late.value)
    behind = read(state_dir=tmp_path, _env_file=None)
    with pytest.raises(TimeoutError, match="schema"):
        schema.wait_until_current(behind)


async def test_a_migration_that_the_database_refuses_is_reported_and_rolled_back(
    settings: Settings, processes: Processes
) -> None:
    """Fails because the column exists already."""
    head = schema.revisions().head
    before = schema.revisions().known[-2]
    await _write(settings, f"UPDATE alembic_version SET version_num = '{before}'")  # noqa: S608 - of the project's own files
    database = {"DATABASE_URL": settings.database_url.get_secret_value()} if settings.database_url else {}
    process = processes.start("migrate", STATE_DIR=settings.state_dir, **database)
    assert process.wait() == 1
    output = process.log.read_text()
    assert f"migrate: from {before} to {head}: " in output
    assert "column" in output.partition(f"to {head}: ")[2]
    assert await _revision(settings) == before


@pytest.fixture
def short_timeout(database_url: str) -> Settings:
    """Settings with a statement timeout of 0.1 s."""
    return read(database_url=database_url, database_statement_timeout_seconds=0.1, _env_file=None)


def test_a_migration_has_no_statement_timeout(short_timeout: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    upgrade = command.upgrade

    def upgrade_slowly(config: Config, revision: str) -> None:
        config.attributes["connection"].execute(text("SELECT pg_sleep(1.5)"))
        upgrade(config, revision)

    monkeypatch.setattr(command, "upgrade", upgrade_slowly)
    schema.migrate(short_timeout)
    schema.wait_until_current(short_timeout)


async def test_a_migration_waits_for_another_without_timeout(short_timeout: Settings, database_url: str) -> None:
    async def waits() -> bool:
        return bool(
            await other.fetchval(
                "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'advisory' AND datname = current_database()"
                " AND now() - query_start > interval '1.5 s'"
            )
        )

    other = await asyncpg.connect(database_url)
    try:
        await other.execute(f"SELECT pg_advisory_lock({schema._ADVISORY_LOCK})")
        with ThreadPoolExecutor(1) as thread:
            migrating = thread.submit(schema.migrate, short_timeout)
            while not await waits():
                assert not migrating.done()
                await asyncio.sleep(0.05)
            await other.execute("SELECT pg_advisory_unlock_all()")
            migrating.result(timeout=60)
    finally:
        await other.close()
    assert await _revision(short_timeout) == schema.revisions().head


async def test_only_a_missing_table_reports_an_unmigrated_database(settings: Settings) -> None:
    await _write(settings, "ALTER TABLE alembic_version RENAME COLUMN version_num TO other")
    with pytest.raises(DBAPIError):
        await _revision(settings)
