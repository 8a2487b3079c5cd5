"""The database: outages are UnavailableError, transactions are atomic, and both databases behave alike."""

import asyncio
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from uuid import uuid4

import pytest
from sqlalchemy import insert, select, text
from sqlalchemy.exc import DBAPIError, StatementError

from app.accounts.models import Account
from app.errors import UnavailableError
from app.infra.database import Database, WriteSession, open_database
from app.settings import Settings, read

pytestmark = pytest.mark.anyio


async def _add(session: WriteSession, name: str, **values: object) -> None:
    keys = {"username": name, "username_key": name, "email": name, "email_key": name, "password_hash": "none"}
    await session.execute(insert(Account).values(keys | values))


async def _names(database: Database) -> list[str]:
    async with database.read() as session:
        return list((await session.execute(select(Account.username).order_by(Account.username))).scalars())


async def test_a_transaction_is_atomic(settings: Settings) -> None:
    async def add_and_fail() -> None:
        async with database.write() as session:
            await _add(session, "grace")
            raise RuntimeError("a fault")

    async with open_database(settings) as database:
        async with database.write() as session:
            await _add(session, "ada")
        with pytest.raises(RuntimeError, match="a fault"):
            await add_and_fail()
        assert await _names(database) == ["ada"]


async def test_concurrent_writers_wait_for_each_other(settings: Settings) -> None:
    async def write(number: int) -> None:
        async with database.write() as session:
            found = len((await session.execute(select(Account.id))).all())
            await _add(session, f"writer-{number:02}-{found}")

    async with open_database(settings) as database:
        await asyncio.gather(*(write(number) for number in range(12)))
        assert len(await _names(database)) == 12


async def test_timestamps_and_ids_are_read_as_they_were_written(settings: Settings) -> None:
    account_id = uuid4()
    east = timezone(timedelta(hours=9))
    moment = datetime(2026, 2, 3, 4, 5, 6, 789012, tzinfo=east)
    async with open_database(settings) as database:
        async with database.write() as session:
            await _add(session, "ada", id=account_id, created_at=moment)
        async with database.read() as session:
            row = (await session.execute(select(Account.id, Account.created_at, Account.is_active))).one()
        assert (row.id, row.created_at, row.is_active) == (account_id, moment, True)
        assert row.created_at.utcoffset() == timedelta(0)
        with pytest.raises(StatementError, match="zone"):
            async with database.write() as session:
                await _add(session, "grace", created_at=datetime(2026, 1, 1))  # noqa: DTZ001 -- the refused value
    assert moment.astimezone(UTC).hour == 19


async def test_a_fault_of_the_service_is_not_an_outage(settings: Settings) -> None:
    async with open_database(settings) as database:
        for statement in ("SELECT * FROM no_such_table", "SELEC 1", "INSERT INTO accounts (id) VALUES (NULL)"):
            with pytest.raises(DBAPIError):
                async with database.write() as session:
                    await session.execute(text(statement))
        assert await _names(database) == [], "the pool is as good as before"


async def test_an_unreachable_server_and_an_exhausted_pool_are_outages(tmp_path: Path, database_url: str) -> None:
    gone = read(state_dir=tmp_path, database_url="postgresql://binnacle@127.0.0.1:9/binnacle", _env_file=None)
    async with open_database(gone) as database:
        with pytest.raises(UnavailableError):
            async with database.read() as session:
                await session.execute(text("SELECT 1"))
    narrow = read(
        database_url=database_url,
        database_pool_size=1,
        database_max_overflow=0,
        database_pool_timeout_seconds=0.1,
        _env_file=None,
    )
    async with open_database(narrow) as database, database.read() as holder:
        await holder.execute(text("SELECT 1"))
        with pytest.raises(UnavailableError):
            async with database.read() as session:
                await session.execute(text("SELECT 1"))


async def test_a_closed_connection_is_replaced_for_reads_and_an_outage_for_writes(
    database_url: str,
) -> None:
    settings = read(database_url=database_url, database_pool_size=1, database_max_overflow=0, _env_file=None)
    async with open_database(settings) as database, open_database(settings) as other:
        for reading in (True, False):
            async with database.read() as session:
                pid = (await session.execute(text("SELECT pg_backend_pid()"))).scalar_one()
            async with other.read() as session:
                await session.execute(text("SELECT pg_terminate_backend(:pid, 10000)"), {"pid": pid})
            if not reading:
                with pytest.raises(UnavailableError):
                    async with database.write() as session:
                        await session.execute(text("SELECT 1"))
            async with database.read() as session:
                assert (await session.execute(text("SELECT 1"))).scalar_one() == 1


async def test_a_statement_timeout_is_an_outage(database_url: str) -> None:
    settings = read(database_url=database_url, database_statement_timeout_seconds=0.1, _env_file=None)
    async with open_database(settings) as database:
        with pytest.raises(UnavailableError):
            async with database.read() as session:
                await session.execute(text("SELECT pg_sleep(30)"))
