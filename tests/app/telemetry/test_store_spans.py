"""Database and Redis calls of sampled work are one span each, without values."""

import asyncio
from collections.abc import Iterator
from uuid import uuid4

import pytest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode
from redis.asyncio import Redis
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError

from app.catalog.models import Item
from app.errors import NotFoundError
from app.infra.database import Database
from app.infra.database.engine import create_engine
from app.infra.outbox import job_span
from app.settings import Settings, read
from app.telemetry.clients.redis import record_commands
from app.telemetry.clients.sql_statements import CACHE_SIZE, describe
from app.telemetry.traces.tracing import Tracing
from tests.support.recorded_telemetry import CALLER, spans_of

SAMPLED, UNSAMPLED = f"{CALLER}-01", f"{CALLER}-00"


@pytest.fixture
def tracing() -> Iterator[Tracing]:
    tracing = Tracing(read(otlp_endpoint="http://127.0.0.1:9", _env_file=None), "api")
    yield tracing
    tracing.shutdown()


@pytest.fixture
def made(tracing: Tracing) -> InMemorySpanExporter:
    return spans_of(tracing)


def _exported(exporter: InMemorySpanExporter) -> list[ReadableSpan]:
    return [span for span in exporter.get_finished_spans() if span.name != "process outbox"]


@pytest.mark.parametrize(
    ("sql", "summary", "shown"),
    [
        (
            "SELECT a FROM items WHERE b = $1::UUID LIMIT 9",
            "SELECT items",
            "SELECT a FROM items WHERE b = $1::UUID LIMIT ?",
        ),
        ("INSERT INTO orders (a) VALUES (?)", "INSERT orders", "INSERT INTO orders (a) VALUES (?)"),
        ("UPDATE outbox SET a = 'it''s 5 o''clock'", "UPDATE outbox", "UPDATE outbox SET a = ?"),
        ('DELETE FROM "odd" WHERE n > 1.5', "DELETE odd", 'DELETE FROM "odd" WHERE n > ?'),
        ("SELECT count(*) FROM (SELECT 1 FROM items)", "SELECT items", "SELECT count(*) FROM (SELECT ? FROM items)"),
        (
            "SELECT EXTRACT(year FROM born) FROM people2",
            "SELECT people2",
            "SELECT EXTRACT(year FROM born) FROM people2",
        ),
        (
            "WITH old AS (SELECT a FROM x)\nUPDATE y SET b = 1",
            "UPDATE y",
            "WITH old AS (SELECT a FROM x) UPDATE y SET b = ?",
        ),
        ("SELECT 1", "SELECT", "SELECT ?"),
        ("BEGIN IMMEDIATE", "BEGIN", "BEGIN IMMEDIATE"),
        ("", "UNKNOWN", ""),
    ],
)
def test_a_statement_is_shown_without_its_values(sql: str, summary: str, shown: str) -> None:
    exported = describe(sql)
    assert (exported.summary, exported.text) == (summary, shown)


def test_the_cache_of_statements_is_bounded() -> None:
    for number in range(CACHE_SIZE * 2):
        assert describe("SELECT an FROM items".replace("n", str(number), 1)).summary == "SELECT items"
    assert describe.cache_info().currsize <= CACHE_SIZE


@pytest.mark.anyio
async def test_a_statement_of_sampled_work_is_a_span(
    settings: Settings, tracing: Tracing, made: InMemorySpanExporter
) -> None:
    database = Database(create_engine(settings), tracing)
    with job_span.job(tracing, SAMPLED):
        async with database.rows() as rows:
            await rows.execute(select(Item.id).where(Item.name == "c4nary"))
    await database.engine.dispose()
    exported = [span for span in _exported(made) if span.name == "SELECT items"]
    assert len(exported) == 1
    [job] = [span for span in made.get_finished_spans() if span.name == "process outbox"]
    assert (exported[0].kind, exported[0].parent) == (SpanKind.CLIENT, job.get_span_context())
    attributes = dict(exported[0].attributes or {})
    assert attributes["db.system.name"] == ("sqlite" if settings.database_url is None else "postgresql")
    assert (attributes["db.operation.name"], attributes["db.collection.name"]) == ("SELECT", "items")
    assert "c4nary" not in repr(attributes)


@pytest.mark.anyio
async def test_unsampled_work_has_no_listener_and_no_span(
    settings: Settings, tracing: Tracing, made: InMemorySpanExporter
) -> None:
    database = Database(create_engine(settings), tracing)
    async with database.rows() as rows:
        await rows.execute(select(Item.id))
    with job_span.job(tracing, UNSAMPLED):
        async with database.write() as session:
            await session.execute(select(Item.id))
            assert not session.get_bind().dispatch.before_cursor_execute
    await database.engine.dispose()
    assert made.get_finished_spans() == ()


@pytest.mark.anyio
async def test_a_failed_statement_has_its_error_type_and_no_message(
    settings: Settings, tracing: Tracing, made: InMemorySpanExporter
) -> None:
    database = Database(create_engine(settings), tracing)
    with job_span.job(tracing, SAMPLED), pytest.raises(DBAPIError):
        async with database.write() as session:
            await session.execute(text("SELECT c4nary FROM items"))
    await database.engine.dispose()
    failed = {span.name: span for span in _exported(made) if span.status.status_code is StatusCode.ERROR}
    assert set(failed) == {"SELECT items", "transaction"}
    attributes = dict(failed["SELECT items"].attributes or {})
    assert attributes["error.type"]
    if settings.database_url is not None:
        assert attributes["db.response.status_code"] == "42703", "undefined_column"
    assert not any(span.status.description or span.events for span in failed.values())


@pytest.mark.anyio
async def test_a_domain_error_does_not_mark_the_transaction_span_as_failed(
    settings: Settings, tracing: Tracing, made: InMemorySpanExporter
) -> None:
    database = Database(create_engine(settings), tracing)
    with job_span.job(tracing, SAMPLED), pytest.raises(NotFoundError):
        async with database.write():
            raise NotFoundError("there is none")
    await database.engine.dispose()
    [transaction] = [span for span in _exported(made) if span.name == "transaction"]
    assert transaction.status.status_code is StatusCode.UNSET


@pytest.mark.anyio
async def test_a_cancelled_statement_ends_its_span(
    database_url: str, tracing: Tracing, made: InMemorySpanExporter
) -> None:
    database = Database(create_engine(read(database_url=database_url, _env_file=None)), tracing)
    with job_span.job(tracing, SAMPLED):
        async with database.rows() as rows:
            await rows.execute(text("SELECT now()"))  # connected: the next statement starts immediately
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(rows.execute(text("SELECT pg_sleep(60)")), 0.3)
    await database.engine.dispose()
    answered, given_up = [span for span in _exported(made) if span.name == "SELECT"]
    assert answered.status.status_code is StatusCode.UNSET
    assert given_up.status.status_code is StatusCode.ERROR


@pytest.mark.anyio
async def test_a_command_of_sampled_work_is_a_span_with_its_name_only(
    redis_url: str, tracing: Tracing, made: InMemorySpanExporter
) -> None:
    key = f"c4nary-{uuid4()}"
    async with Redis.from_url(redis_url) as client:
        record_commands(client, tracing)
        with job_span.job(tracing, UNSAMPLED):
            await client.set(key, "c4nary")
        assert made.get_finished_spans() == ()
        with job_span.job(tracing, SAMPLED):
            assert await client.get(key) == b"c4nary"
    [exported] = _exported(made)
    attributes = dict(exported.attributes or {})
    assert (exported.name, exported.kind) == ("GET", SpanKind.CLIENT)
    assert (attributes["db.system.name"], attributes["db.operation.name"]) == ("redis", "GET")
    assert attributes["server.address"]
    assert "c4nary" not in repr(attributes)
