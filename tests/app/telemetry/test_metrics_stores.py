"""Dependency metrics of the stores: statements, connections, waiting for a connection, and the uses of Redis."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import uuid4

import pytest
from prometheus_client import CollectorRegistry
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, IntegrityError

from app.errors import UnavailableError
from app.infra.cache import open_cache
from app.infra.database import Database, open_database
from app.infra.fanout import open_fanout
from app.infra.queue.celery import Publisher, make_celery
from app.infra.rate_limit.fixed_windows import open_limits, window
from app.settings import Settings, read
from tests.support.ports import free_port
from tests.support.telemetry import metered

pytestmark = pytest.mark.anyio
on_postgresql = pytest.mark.parametrize("settings", ["postgresql"], indirect=True)


class StoreTelemetry:
    """Telemetry and the values of its registry."""

    def __init__(self, settings: Settings) -> None:
        self.registry = CollectorRegistry()
        self.telemetry = metered(settings, self.registry)

    def value(self, name: str, **labels: str) -> float:
        value = self.registry.get_sample_value(name, labels)
        assert value is not None, f"{name} {labels}"
        return value

    def calls(self, target: str, operation: str, outcome: str) -> float:
        return self.value("dependency_requests_total", target=target, operation=operation, outcome=outcome)

    def timed(self, target: str, operation: str) -> float:
        return self.value("dependency_request_duration_seconds_count", target=target, operation=operation)


@asynccontextmanager
async def _open_measured(settings: Settings) -> AsyncIterator[tuple[Database, StoreTelemetry]]:
    stores = StoreTelemetry(settings)
    async with open_database(settings, stores.telemetry) as database:
        yield database, stores
        database.sample_pool()


async def test_statements_are_counted_and_timed_by_operation(settings: Settings) -> None:
    insert = text(
        "INSERT INTO idempotency_keys (account_id, key, fingerprint, answer, created_at) VALUES (:a, :b, '', '', :c)"
    )
    key = {"a": uuid4().hex, "b": "k", "c": "2026-01-01 00:00:00"}
    if settings.database_server is not None:
        insert = text(
            str(insert).replace(":a", "CAST(:a AS uuid)").replace(":c", "CAST(CAST(:c AS text) AS timestamptz)")
        )
    async with _open_measured(settings) as (database, stores):
        for _ in range(3):
            async with database.read() as session:
                await session.execute(text("SELECT 1"))
        assert (stores.calls("database", "select", "ok"), stores.timed("database", "select")) == (3, 3)
        assert stores.calls("database", "connect", "ok") == stores.timed("database", "connect") == 1
        async with database.write() as writing:
            await writing.execute(insert, key)
        assert (stores.calls("database", "commit", "ok"), stores.timed("database", "commit")) == (1, 1)
        with pytest.raises(IntegrityError):
            async with database.write() as writing:
                await writing.execute(insert, key)
        assert stores.calls("database", "insert", "ok") == 2, "a constraint that was violated is an answer"
        with pytest.raises(DBAPIError):
            async with database.read() as session:
                await session.execute(text("SELECT nothing FROM nowhere"))
        assert stores.calls("database", "select", "error") == 1
        assert stores.calls("database", "commit", "ok") == 1, "what failed was not committed, nor what only read"


@on_postgresql
async def test_a_slow_statement_is_a_timeout_and_a_lock_timeout_a_conflict(settings: Settings) -> None:
    short_timeout = settings.model_copy(update={"database_statement_timeout_seconds": 0.2})
    async with _open_measured(short_timeout) as (database, stores):
        with pytest.raises(UnavailableError):
            async with database.read() as session:
                await session.execute(text("SELECT pg_sleep(5)"))
        assert stores.calls("database", "select", "timeout") == 1
    async with _open_measured(settings) as (database, stores):
        async with database.write() as holder:
            await holder.execute(text("LOCK TABLE items"))
            with pytest.raises(UnavailableError):
                await _delete_unless_locked(database)
        assert stores.calls("database", "delete", "conflict") == 1


async def _lose_the_connection(database: Database) -> None:
    """Ends the connection before a commit."""
    async with database.write() as writing:
        backend = (await writing.execute(text("SELECT pg_backend_pid()"))).scalar_one()
        async with database.read() as session:
            await session.execute(text("SELECT pg_terminate_backend(:backend)"), {"backend": backend})


@on_postgresql
async def test_a_commit_without_an_answer_is_a_connection_failure(settings: Settings) -> None:
    async with _open_measured(settings) as (database, stores):
        with pytest.raises(UnavailableError):
            await _lose_the_connection(database)
        assert stores.calls("database", "commit", "connection") == 1
        assert stores.calls("database", "commit", "ok") == 0


async def test_an_unreachable_database_is_a_connection_failure() -> None:
    gone = read(database_url=f"postgresql://u:p@127.0.0.1:{free_port()}/none", _env_file=None)
    async with _open_measured(gone) as (database, stores):
        for _ in range(2):
            with pytest.raises(UnavailableError):
                async with database.read() as session:
                    await session.execute(text("SELECT 1"))
        assert stores.calls("database", "connect", "connection") == 2
        assert stores.calls("database", "connect", "ok") == 0


@on_postgresql
async def test_the_pool_reports_used_and_pending_connections_and_timeouts(settings: Settings) -> None:
    narrow = {"database_pool_size": 1, "database_max_overflow": 1, "database_pool_timeout_seconds": 0.2}
    stores = StoreTelemetry(settings)
    async with open_database(settings.model_copy(update=narrow), stores.telemetry) as database:
        database.sample_pool()
        assert stores.value("database_pool_connections", state="used") == 0
        async with database.read() as first, database.read() as second:
            await asyncio.gather(first.execute(text("SELECT 1")), second.execute(text("SELECT 1")))
            database.sample_pool()
            assert stores.value("database_pool_connections", state="used") == 2
            assert stores.value("database_pool_max_connections") == 2
            waiting = asyncio.create_task(_select(database))
            for _ in range(10):
                await asyncio.sleep(0)
            assert stores.value("database_pool_pending_requests") == 1
            with pytest.raises(UnavailableError):
                await waiting
        assert stores.value("database_pool_timeouts_total") == 1
        assert stores.value("database_pool_wait_seconds_sum") >= 0.2
        assert stores.value("database_pool_pending_requests") == 0
        await _select(database)
        database.sample_pool()
        assert stores.value("database_pool_connections", state="used") == 0
        assert stores.value("database_pool_connections", state="idle") == 1
        assert stores.value("database_pool_wait_seconds_count") == 1, "who gets one at once is not counted"


async def _delete_unless_locked(database: Database) -> None:
    async with database.write() as session:
        await session.execute(text("SET LOCAL lock_timeout = '50ms'"))
        await session.execute(text("DELETE FROM items"))


async def _select(database: Database) -> None:
    async with database.rows() as connection:
        await connection.execute(text("SELECT 1"))


async def test_redis_calls_are_counted_by_use(redis_url: str) -> None:
    settings = _with_redis(redis_url)
    stores = StoreTelemetry(settings)
    await _use(settings, stores)
    publisher = Publisher(make_celery(settings), stores.telemetry)
    await publisher.publish(uuid4())
    publisher.close()
    for operation in ("cache", "limits", "fanout", "queue"):
        assert stores.calls("redis", operation, "ok") == stores.timed("redis", operation) >= 1


async def test_an_unreachable_redis_is_counted_once_and_not_called_again() -> None:
    gone = _with_redis(f"redis://127.0.0.1:{free_port()}/0")
    stores = StoreTelemetry(gone)
    await _use(gone, stores)
    for operation in ("cache", "limits", "fanout"):
        assert stores.calls("redis", operation, "connection") == 1
        assert stores.calls("redis", operation, "ok") == 0


def _with_redis(url: str) -> Settings:
    return read(redis_url=url, database_url="postgresql://nobody@127.0.0.1/none", secret_key="k" * 32, _env_file=None)


async def _use(settings: Settings, stores: StoreTelemetry) -> None:
    telemetry = stores.telemetry
    async with (
        open_cache(settings, telemetry) as cache,
        open_limits(settings, telemetry) as limits,
        open_fanout(settings, telemetry) as fanout,
    ):
        for _ in range(2):
            await cache.get("items:1")
            await limits.count(window("test", 5, 60), "somebody")
            await fanout.publish("channel", b"content")
