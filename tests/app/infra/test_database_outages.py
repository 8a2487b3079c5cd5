"""PostgreSQL connections that are cut: the loss is detected, and as few callers as possible fail."""

import asyncio
import socket
import sqlite3
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
import pytest
from sqlalchemy import text
from sqlalchemy.dialects.postgresql.asyncpg import AsyncAdapt_asyncpg_dbapi
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from app.infra.database import Database, connection_gate, open_database
from app.infra.database.outages import (
    ConnectError,
    FullError,
    LostConnectionError,
    OutageError,
    PoolerError,
    ReadOnlyError,
    RefusedError,
    outage_of,
)
from app.infra.database.pool import Pool
from app.settings import read
from tests.support.faulty_network import Wire, wire_to

pytestmark = pytest.mark.anyio
DRIVER: Any = AsyncAdapt_asyncpg_dbapi
ONE, PID = text("SELECT 1"), text("SELECT pg_backend_pid()")


@asynccontextmanager
async def _wired(url: str, **settings: Any) -> AsyncIterator[tuple[Database, Wire]]:
    async with wire_to(url) as wire, open_database(_read(wire.url(url), **settings)) as database:
        yield database, wire


def _read(url: str, **settings: Any) -> Any:
    timeouts = {"database_statement_timeout_seconds": 30, "database_connect_timeout_seconds": 30}
    return read(_env_file=None, database_url=url, **(timeouts | settings))


async def _select(database: Database) -> Any:
    async with database.rows() as rows:
        return (await rows.execute(ONE)).scalar_one()


async def _fill(database: Database, connections: int) -> None:
    """Opens this many connections, idle afterwards."""
    barrier = asyncio.Barrier(connections)

    async def hold() -> None:
        async with database.read() as session:
            await session.execute(ONE)
            await barrier.wait()

    await asyncio.gather(*(hold() for _ in range(connections)))


async def test_a_cut_connection_fails_no_reader_and_the_idle_ones_are_checked(database_url: str) -> None:
    async with _wired(database_url) as (database, wire):
        await _fill(database, 5)
        wire.cut()
        assert [await _select(database) for _ in range(5)] == [1] * 5
        async with database.write() as session:
            assert (await session.execute(ONE)).scalar_one() == 1


async def test_the_first_timeout_is_detected_and_idle_connections_are_not_tried(database_url: str) -> None:
    async with _wired(database_url, database_statement_timeout_seconds=0.2) as (database, wire):
        await _fill(database, 5)
        wire.drop_silently()
        assert await _select(database) == 1, "one reader waits for the limit of 1.2 s, and is served after it"
        async with asyncio.timeout(20):  # five consecutive timeouts would exceed it
            for _ in range(5):
                async with database.write() as session:
                    assert (await session.execute(ONE)).scalar_one() == 1


async def test_a_read_after_a_cut_uses_a_new_connection_and_earlier_results_stay(database_url: str) -> None:
    async with _wired(database_url) as (database, wire), database.read() as session:
        first = await session.execute(PID)
        wire.cut()
        second = await session.execute(PID)
        assert first.scalar_one() != second.scalar_one()


async def test_a_writer_that_loses_its_connection_fails_and_nothing_is_written(database_url: str) -> None:
    async def write_and_be_cut() -> None:
        async with database.write() as session:
            await session.execute(text("INSERT INTO things VALUES (1)"))
            wire.cut()
            await session.execute(text("INSERT INTO things VALUES (2)"))

    async with _wired(database_url) as (database, wire):
        async with database.write() as session:
            await session.execute(text("CREATE TABLE things (id INTEGER)"))
        with pytest.raises(OutageError):
            await write_and_be_cut()
        async with database.rows() as rows:
            assert (await rows.execute(text("SELECT count(*) FROM things"))).scalar_one() == 0


async def test_a_widened_column_fails_no_reader(database_url: str) -> None:
    async with open_database(_read(database_url)) as database, open_database(_read(database_url)) as newer:
        async with newer.write() as session:
            await session.execute(text("CREATE TABLE things (name VARCHAR(10))"))
            await session.execute(text("INSERT INTO things VALUES ('anvil')"))

        barrier = asyncio.Barrier(3)

        async def look(*, at_once: bool) -> str:
            async with database.rows() as rows:
                name: str = (await rows.execute(text("SELECT name FROM things"))).scalar_one()
                if at_once:
                    await barrier.wait()
                return name

        await asyncio.gather(*(look(at_once=True) for _ in range(3)))
        async with newer.write() as session:
            await session.execute(text("ALTER TABLE things ALTER name TYPE VARCHAR(5)"))
            await session.execute(text("ALTER TABLE things ALTER name TYPE TEXT"))
        assert await asyncio.gather(*(look(at_once=True) for _ in range(3))) == ["anvil"] * 3


async def test_a_server_that_becomes_read_only_is_left_and_found_again(database_url: str) -> None:
    name = database_url.partition("?")[0].rsplit("/", 1)[1]
    async with open_database(_read(database_url)) as database, open_database(_read(database_url)) as operator:
        await _fill(database, 3)
        await _fill(operator, 2)
        async with operator.write() as session:
            await session.execute(text(f'ALTER DATABASE "{name}" SET default_transaction_read_only = on'))
        async with database.read() as session:  # as ALTER SYSTEM would, for an open session
            await session.execute(text("SET default_transaction_read_only = on"))
        with pytest.raises(ReadOnlyError):
            async with database.write() as session:
                await session.execute(text("CREATE TABLE things (id INTEGER)"))
        with pytest.raises(ReadOnlyError):
            await _select(database)
        async with operator.write() as session:
            await session.execute(text(f'ALTER DATABASE "{name}" RESET default_transaction_read_only'))
        await _until_served(database)
        async with database.write() as session:
            await session.execute(text("CREATE TABLE things (id INTEGER)"))


async def test_a_write_check_that_finds_a_read_only_server_disconnects(database_url: str) -> None:
    async with open_database(_read(database_url)) as database:
        await database.require_writes()
        async with database.read() as session:
            await session.execute(text("SET default_transaction_read_only = on"))
        with pytest.raises(ReadOnlyError):
            await database.require_writes()
        await database.require_writes()


async def test_each_connection_has_tcp_keepalive(database_url: str) -> None:
    async with wire_to(database_url) as wire:
        url = f"{wire.url(database_url)}?keepalives_idle=60"
        async with open_database(_read(url)) as database, database.engine.connect() as connection:
            raw = await connection.get_raw_connection()
            driver: Any = raw.driver_connection
            taken = driver._transport.get_extra_info("socket")
            assert taken.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE) == 1
            assert taken.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE) == 60
            assert taken.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == 2000


async def test_during_an_outage_all_callers_fail_fast_and_are_served_soon_after(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection_gate, "CHECK_SECONDS", 0.05)
    small_pool = {"database_pool_size": 2, "database_pool_timeout_seconds": 30}
    async with _wired(database_url, **small_pool) as (database, wire):
        await _fill(database, 2)
        with wire.gone():
            first = await asyncio.gather(*(_select(database) for _ in range(20)), return_exceptions=True)
            assert {type(each) for each in first} == {OutageError}
        await _until_served(database)
        assert await asyncio.gather(*(_select(database) for _ in range(20))) == [1] * 20


async def test_callers_that_wait_for_a_connection_fail_when_the_database_goes_down(database_url: str) -> None:
    async with _wired(database_url, database_pool_size=2, database_pool_timeout_seconds=300) as (database, wire):
        pool = _pool(database)
        assert pool.gate is not None
        with wire.gone(silently=True):
            connecting = [asyncio.create_task(_select(database)) for _ in range(2)]
            await _until(lambda: wire.opened == 2)
            waiting = [asyncio.create_task(_select(database)) for _ in range(5)]
            await _until(lambda: len(pool._waiting) == 5)
            pool.gate.close(_refused(ConnectionRefusedError()))
            answers = await asyncio.gather(*connecting, *waiting, return_exceptions=True)
            assert {type(each) for each in answers} == {OutageError}


async def test_open_connections_stay_in_use_while_no_other_can_be_opened(database_url: str) -> None:
    async with _wired(database_url, database_pool_size=3) as (database, _):
        await _fill(database, 1)
        pool = _pool(database)
        assert pool.gate is not None
        pool.gate.close(_refused(ConnectionRefusedError()))
        assert pool.gate.closed
        assert await _select(database) == 1


def _pool(database: Database) -> Pool:
    pool = database.engine.sync_engine.pool
    assert isinstance(pool, Pool)
    return pool


async def _until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(30):
        while not true():  # noqa: ASYNC110 -- no event for it
            await asyncio.sleep(0.01)


async def _until_served(database: Database) -> None:
    async with asyncio.timeout(30):
        while True:
            try:
                await _select(database)
            except OutageError:
                await asyncio.sleep(0.05)
            else:
                return


class _StateError(Exception):
    def __init__(self, state: str) -> None:
        super().__init__("as a server would say")
        self.sqlstate = state


def _failed(cause: Exception) -> DBAPIError:
    return DBAPIError("SELECT 1", None, cause)


def _refused(cause: Exception) -> ConnectError:
    error = ConnectError()
    error.__cause__ = cause
    return error


@pytest.mark.parametrize(
    ("error", "outage"),
    [
        *((_failed(_StateError(state)), None) for state in ("23505", "22003", "42P01", "25P02", "0A000", "P0001")),
        *(
            (_failed(_StateError(state)), OutageError)
            for state in ("57P01", "40001", "53200", "58030", "XX000", "ZZ999")
        ),
        *((_failed(_StateError(state)), OutageError) for state in ("25P03", "25P04", "55P03", "57014", "08006")),
        (_failed(_StateError("25006")), ReadOnlyError),
        *((_failed(_StateError(state)), PoolerError) for state in ("26000", "42P05")),
        (_failed(DRIVER.InterfaceError("another operation is in progress")), None),
        (_failed(DRIVER.InvalidCachedStatementError("outdated plan")), OutageError),
        (_failed(sqlite3.ProgrammingError("wrong number of bindings")), None),
        (_refused(ConnectionRefusedError()), OutageError),
        (_refused(TimeoutError()), OutageError),
        (_refused(_StateError("57P03")), OutageError),
        (_refused(_StateError("53300")), FullError),
        (_refused(_StateError("28P01")), RefusedError),
        (_refused(_StateError("3D000")), RefusedError),
        (_refused(ConnectionError("rejected SSL upgrade")), RefusedError),
        (_refused(asyncpg.ProtocolViolationError("unsupported startup parameter: lock_timeout")), PoolerError),
        (LostConnectionError(), OutageError),
        (PoolTimeoutError(), OutageError),
        (OSError("of some file"), None),
        (TimeoutError("of somebody else"), None),
    ],
    ids=repr,
)
def test_errors_are_outages_unless_they_are_known_faults(error: Exception, outage: type[OutageError] | None) -> None:
    found = outage_of(error)
    assert (type(found) if found is not None else None) is outage


async def test_a_value_that_no_column_can_store_is_no_outage(database_url: str) -> None:
    async with open_database(_read(database_url)) as database:
        with pytest.raises(DBAPIError):
            async with database.read() as session:
                await session.execute(text("SELECT CAST(:number AS INTEGER)"), {"number": 2**40})


async def test_an_error_of_the_transaction_itself_is_no_outage(database_url: str) -> None:
    async def fail() -> None:
        async with database.read() as session:
            await session.execute(ONE)
            raise OSError("a full disk")

    async with open_database(_read(database_url)) as database:
        with pytest.raises(OSError, match="a full disk"):
            await fail()
