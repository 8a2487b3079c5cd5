"""PgBouncer in transaction mode: the one setting that it needs, and the diagnosis without it."""

import asyncio
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx2
import pytest
from sqlalchemy import text

from app.infra.database import open_database, schema
from app.infra.database.outages import OutageError
from app.processes.api import create_app
from app.settings import Settings, read
from tests.support import servers
from tests.support.servers import PostgreSQL
from tests.system.pooler import pgbouncer

pytestmark = pytest.mark.anyio
IGNORED = "statement_timeout,lock_timeout,idle_in_transaction_session_timeout"


@pytest.fixture(scope="module")
def server() -> Iterator[PostgreSQL]:
    with servers.postgresql() as running:
        yield running


@pytest.fixture
def database_url(server: PostgreSQL) -> Iterator[str]:
    with server.database() as url:
        yield url


def _pooled(url: str, **settings: Any) -> Settings:
    timeouts = {"database_pool_timeout_seconds": 60, "database_statement_timeout_seconds": 30}
    return read(_env_file=None, database_url=url, database_pooler="transaction", **(timeouts | settings))


@pytest.mark.parametrize("mode", ["transaction", "session"])
async def test_with_the_setting_everything_works(database_url: str, tmp_path: Path, mode: str) -> None:
    with pgbouncer(database_url, tmp_path, mode=mode) as url:
        size = 10 if mode == "transaction" else 3  # more than the pooler's connections, in modes that share them
        settings = _pooled(url, database_pool_size=size)
        with ThreadPoolExecutor(1) as thread:  # it runs its own event loop
            thread.submit(schema.migrate, settings).result(timeout=120)
            thread.submit(schema.migrate, settings).result(timeout=120)
        async with open_database(settings) as database:

            async def query(number: int) -> None:
                async with database.read() as session:
                    for repeated in range(3):
                        statement = text(f"SELECT count(*), :number + {number} FROM items")  # noqa: S608 - a number
                        row = (await session.execute(statement, {"number": repeated})).one()
                        assert tuple(row) == (0, number + repeated)
                async with database.write() as session:
                    key = {"key": str(number)}
                    await session.execute(
                        text(
                            "INSERT INTO idempotency_keys (account_id, key, fingerprint, answer, created_at)"
                            " VALUES (gen_random_uuid(), :key, '', '', now())"
                        ),
                        key,
                    )
                    await session.execute(text("DELETE FROM idempotency_keys WHERE key = :key"), key)

            await asyncio.gather(*(query(number) for number in range(40)))
        assert await _readyz(settings) == "ok"


async def test_timeouts_apply_to_their_own_transaction_only(database_url: str, tmp_path: Path) -> None:
    with pgbouncer(database_url, tmp_path) as url:
        async with (
            open_database(_pooled(url, database_statement_timeout_seconds=0.5)) as short_timeout,
            open_database(_pooled(url)) as relaxed,
        ):
            with pytest.raises(OutageError) as refusal:
                async with short_timeout.read() as session:
                    await session.execute(text("SELECT pg_sleep(30)"))
            assert "statement timeout" in str(refusal.value.__cause__), "the server's own limit"
            async with relaxed.read() as session:
                assert (await session.execute(text("SHOW statement_timeout"))).scalar_one() == "30s"


@pytest.mark.parametrize("ignored", ["", IGNORED])
async def test_without_the_setting_readyz_names_it(database_url: str, tmp_path: Path, ignored: str) -> None:
    """A pooler that ignores the parameters makes a random part of the statements fail."""
    with pgbouncer(database_url, tmp_path, ignored=ignored) as url:
        with ThreadPoolExecutor(1) as thread:
            thread.submit(schema.migrate, _pooled(url)).result(timeout=120)
        settings = read(_env_file=None, database_url=url, database_pool_size=10)
        statuses = {await _readyz(settings) for _ in range(1 if not ignored else 3)}
        if not ignored:
            assert statuses == {"database: is behind a connection pooler: set DATABASE_POOLER=transaction"}
        assert not any("migrate" in status for status in statuses)


async def _readyz(settings: Settings) -> str:
    binnacle = create_app(settings)
    transport = httpx2.ASGITransport(app=binnacle)
    async with (
        binnacle.app.router.lifespan_context(binnacle.app),
        httpx2.AsyncClient(transport=transport, base_url="http://testserver") as client,
    ):
        answers = await asyncio.gather(client.get("/readyz"), *(client.get("/api/v1/items") for _ in range(20)))
        status: str = answers[0].json()["status"]
        assert {answer.status_code for answer in answers} <= {200, 503}
        return status
