"""Startup, liveness and readiness probes, and what callers see while this replica is not ready."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import asyncpg
import httpx2
import pytest
from sqlalchemy import text

from app import __version__
from app.api.readiness import FRESH_SECONDS
from app.infra.database import open_database
from app.processes.api import Binnacle, create_app
from app.settings import Settings, read
from tests.app.conftest import Api
from tests.support.faulty_network import wire_to
from tests.support.ports import free_port

pytestmark = pytest.mark.anyio


@asynccontextmanager
async def _started(settings: Settings) -> AsyncIterator[Api]:
    binnacle = create_app(settings)
    async with (
        binnacle.app.router.lifespan_context(binnacle.app),
        httpx2.AsyncClient(transport=httpx2.ASGITransport(app=binnacle), base_url="http://testserver") as client,
    ):
        yield Api(binnacle, client)


def _counted(binnacle: Binnacle) -> dict[str, float]:
    value = binnacle.telemetry.registry.get_sample_value
    return {
        outcome: value("readiness_checks_total", {"outcome": outcome}) or 0.0
        for outcome in ("ready", "not_ready", "draining")
    }


async def _write(settings: Settings, statement: str) -> None:
    async with open_database(settings) as database, database.write() as session:
        await session.execute(text(statement))


async def test_ready_when_the_database_answers_with_the_current_schema(api: Api) -> None:
    for path in ("/readyz", "/livez", "/startupz"):
        answer = await api.client.get(path)
        assert (answer.status_code, answer.json()) == (200, {"status": "ok"})
    health = (await api.client.get("/health")).raise_for_status().json()
    assert (health["status"], health["ready"]) == ("ok", "ok")
    assert health["memory_bytes"] > 0
    assert (await api.client.get("/version")).json() == {"version": __version__, "revision": "unknown"}


async def test_concurrent_probes_within_a_second_share_one_check(api: Api) -> None:
    assert FRESH_SECONDS <= 1
    answers = await asyncio.gather(*(api.client.get("/readyz") for _ in range(5)))
    assert {answer.status_code for answer in answers} == {200}
    assert _counted(api.binnacle) == {"ready": 1, "not_ready": 0, "draining": 0}


async def test_an_old_schema_is_not_ready_and_the_answer_says_what_to_do(settings: Settings) -> None:
    await _write(settings, "DROP TABLE alembic_version")
    async with _started(settings) as api:
        answer = await api.client.get("/readyz")
        assert answer.status_code == 503
        assert "schema" in answer.json()["status"]
        assert "migrate" in answer.json()["status"]
        assert _counted(api.binnacle) == {"ready": 0, "not_ready": 1, "draining": 0}
        assert (await api.client.get("/livez")).status_code == 200


async def test_a_schema_of_a_newer_version_is_served(settings: Settings) -> None:
    await _write(settings, "UPDATE alembic_version SET version_num = '9999'")
    async with _started(settings) as api:
        assert (await api.client.get("/readyz")).status_code == 200
        assert (await api.client.get("/api/v1/items")).status_code == 200


async def test_without_its_database_the_api_starts_is_live_and_answers_retry_after(tmp_path: Path) -> None:
    gone = f"postgresql://binnacle:s3cret@127.0.0.1:{free_port()}/binnacle"
    async with _started(read(state_dir=tmp_path, database_url=gone, _env_file=None)) as api:
        ready = await api.client.get("/readyz")
        assert ready.status_code == 503
        assert ready.json() == {"status": "database: does not answer"}
        assert _counted(api.binnacle) == {"ready": 0, "not_ready": 1, "draining": 0}
        for path in ("/livez", "/startupz"):
            assert (await api.client.get(path)).status_code == 200
        assert (await api.client.get("/health")).json()["status"] == "down"
        account = {"username": "ada", "email": "ada@example.com", "password": "battery horse"}
        answers = [
            await api.client.get("/api/v1/items"),
            await api.client.post("/api/v1/auth/token", data=account),
            await api.client.post("/api/v1/auth/register", json=account | {"password_confirm": account["password"]}),
        ]
        for answer in answers:
            assert answer.status_code == 503
            assert answer.headers["Content-Type"] == "application/problem+json"
            assert int(answer.headers["Retry-After"]) > 0
            assert answer.json()["code"] == "unavailable"
            assert "s3cret" not in answer.text


async def test_a_read_only_server_is_not_ready_until_it_takes_writes(migrated_database_url: str) -> None:
    name = migrated_database_url.partition("?")[0].rsplit("/", 1)[1]

    async def execute(how: str) -> None:
        writes = {"default_transaction_read_only": "off"}
        operator = await asyncpg.connect(migrated_database_url, server_settings=writes)
        await operator.execute(f'ALTER DATABASE "{name}" {how}')
        await operator.execute(
            "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid != pg_backend_pid()"
        )
        await operator.close()

    async with _started(read(database_url=migrated_database_url, _env_file=None)) as api:
        await _until_readyz_says(api, "ok")
        await execute("SET default_transaction_read_only = on")
        await _until_readyz_says(api, "database: takes no writes")
        tolerant = await api.client.get("/readyz?outage_seconds=3600")
        assert tolerant.status_code == 503, "another replica may reach one that does"
        assert (await api.client.get("/health")).json()["checks"]["database"]["detail"].startswith("Takes no writes")
        assert (await api.client.get("/api/v1/items")).json()["code"] == "database_read_only"
        await execute("RESET default_transaction_read_only")
        await _until_readyz_says(api, "ok")


async def test_a_rejected_login_is_distinguished_from_an_unreachable_database(database_url: str) -> None:
    head, question, query = database_url.partition("?")
    settings = read(database_url=f"{head}_of_somebody_else{question}{query}", _env_file=None)
    async with _started(settings) as api:
        await _until_readyz_says(api, "database: refuses this service: check user, password, database and TLS")


async def test_outage_seconds_keeps_a_replica_ready_that_was_ready_before(
    migrated_database_url: str,
) -> None:
    async with wire_to(migrated_database_url) as wire:
        settings = read(database_url=wire.url(migrated_database_url), _env_file=None)
        async with _started(settings) as api:
            with wire.gone():
                await _until_readyz_says(api, "database: does not answer")
                assert (await api.client.get("/readyz?outage_seconds=60")).status_code == 503, "it never was ready"
            await _until_readyz_says(api, "ok")
            with wire.gone():
                await _until_readyz_says(api, "database: does not answer")
                within, after = [await api.client.get(f"/readyz?outage_seconds={seconds}") for seconds in (3600, 0.001)]
                assert (within.status_code, after.status_code) == (200, 503)
                assert within.json() == after.json() == {"status": "database: does not answer"}
                assert _counted(api.binnacle)["not_ready"] >= 2, "for the objective it is not ready"
                assert (await api.client.get("/api/v1/items")).headers["Retry-After"]
            await _until_readyz_says(api, "ok")


async def _until_readyz_says(api: Api, status: str) -> None:
    async with asyncio.timeout(30):
        while not (await api.client.get("/readyz")).json()["status"].startswith(status):  # noqa: ASYNC110
            await asyncio.sleep(0.1)


async def test_while_draining_it_serves_but_is_not_ready_and_closes_each_connection(api: Api) -> None:
    before = await api.client.get("/api/v1/items")
    assert "Connection" not in before.headers
    assert (await api.client.get("/readyz")).status_code == 200
    api.binnacle.serving_state.drain()
    draining = await api.client.get("/readyz")
    assert draining.status_code == 503
    assert draining.json()["status"].startswith("draining")
    assert _counted(api.binnacle) == {"ready": 1, "not_ready": 0, "draining": 1}
    for path, status in (("/livez", 200), ("/startupz", 200), ("/api/v1/items", 200), ("/nothing", 404)):
        answer = await api.client.get(path)
        assert answer.status_code == status
        assert answer.headers["Connection"] == "close"
    assert draining.headers["Connection"] == "close"


async def test_not_started_before_its_lifespan(tmp_path: Path) -> None:
    binnacle = create_app(read(state_dir=tmp_path, _env_file=None))
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app=binnacle), base_url="http://testserver") as client:
        for path in ("/startupz", "/readyz"):
            answer = await client.get(path)
            assert (answer.status_code, answer.json()) == (503, {"status": "starting"})
        assert (await client.get("/livez")).status_code == 200


async def test_a_request_in_flight_when_the_drain_begins_closes_its_connection_too(api: Api) -> None:
    async def body() -> AsyncIterator[bytes]:
        yield b"username=nobody&"
        api.binnacle.serving_state.drain()
        yield b"password=nothing"

    form = {"Content-Type": "application/x-www-form-urlencoded"}
    answer = await api.client.post("/api/v1/auth/token", content=body(), headers=form)
    assert answer.status_code == 401
    assert answer.headers["Connection"] == "close"
