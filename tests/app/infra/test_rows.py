"""Reads of rows hold a connection only while their statement runs."""

import asyncio

import pytest
from sqlalchemy import text
from sqlalchemy.pool import QueuePool

from app.infra.database import Database, open_database
from app.settings import Settings

pytestmark = pytest.mark.anyio


def _used(database: Database) -> int:
    pool = database.engine.sync_engine.pool
    assert isinstance(pool, QueuePool)
    return pool.checkedout()


async def test_a_result_is_read_after_its_connection_is_released(settings: Settings) -> None:
    async with open_database(settings) as database, database.rows() as rows:
        first = await rows.execute(text("SELECT 1 AS one UNION ALL SELECT :two"), {"two": 2})
        second = await rows.execute(text("SELECT 3"))
        assert _used(database) == 0
        assert sorted(first.scalars()) == [1, 2]
        assert second.scalar_one() == 3


async def test_a_failed_statement_releases_its_connection(settings: Settings) -> None:
    async with open_database(settings) as database, database.rows() as rows:
        with pytest.raises(Exception, match="nowhere"):
            await rows.execute(text("SELECT * FROM nowhere"))
        assert _used(database) == 0
        assert (await rows.execute(text("SELECT 1"))).scalar_one() == 1


@pytest.mark.parametrize("settings", ["postgresql"], indirect=True)
async def test_a_cancelled_statement_releases_its_connection(settings: Settings) -> None:
    async with open_database(settings) as database, database.rows() as rows:
        asked = asyncio.create_task(rows.execute(text("SELECT pg_sleep(20)")))
        async with asyncio.timeout(20):
            while not (  # noqa: ASYNC110 -- no event of the server for it
                await rows.execute(text("SELECT 1 FROM pg_stat_activity WHERE query = 'SELECT pg_sleep(20)'"))
            ).all():
                await asyncio.sleep(0.01)
            asked.cancel()
            with pytest.raises(asyncio.CancelledError):
                await asked
            assert _used(database) == 0
            assert (await rows.execute(text("SELECT 1"))).scalar_one() == 1
