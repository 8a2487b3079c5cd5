"""Health reports the state of each dependency and since when; readiness does not depend on it."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx2
import pytest

from app.api.dependency_checks import MAX_WAIT_SECONDS
from app.api.health import FRESH_SECONDS
from app.infra.database import open_database
from app.infra.database.orm import now
from app.infra.outbox.models import OutboxMessage
from app.processes.api import create_app
from app.settings import Settings, read
from tests.app.conftest import Api
from tests.support.ports import free_port
from tests.support.servers import own_redis

pytestmark = pytest.mark.anyio
PATIENCE_SECONDS = 30
LATE = timedelta(seconds=2 * MAX_WAIT_SECONDS)


@asynccontextmanager
async def _started(settings: Settings) -> AsyncIterator[httpx2.AsyncClient]:
    binnacle = create_app(settings)
    async with (
        binnacle.app.router.lifespan_context(binnacle.app),
        httpx2.AsyncClient(transport=httpx2.ASGITransport(app=binnacle), base_url="http://testserver") as client,
    ):
        yield client


async def _report(client: httpx2.AsyncClient) -> dict[str, Any]:
    report: dict[str, Any] = (await client.get("/health")).raise_for_status().json()
    return report


async def _until(client: httpx2.AsyncClient, name: str, condition: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    """Waits until the check of a dependency meets the condition, and returns the check."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not condition(check := (await _report(client))["checks"][name]):  # noqa: ASYNC110 -- polls over HTTP
            await asyncio.sleep(FRESH_SECONDS / 10)
    found: dict[str, Any] = check
    return found


async def test_a_healthy_service_reports_each_dependency(api: Api) -> None:
    report = await _report(api.client)
    assert (report["status"], report["ready"]) == ("ok", "ok")
    assert {name: check["status"] for name, check in report["checks"].items()} == {
        "database": "ok", "queue": "ok", "rates": "ok", "payments": "ok", "mail": "ok"
    }  # fmt: skip
    assert report["checks"]["queue"]["detail"] == "No message waits."


async def test_readyz_shows_the_checks_when_asked(api: Api) -> None:
    assert (await api.client.get("/readyz")).json() == {"status": "ok"}
    for path in ("/readyz?verbose", "/readyz?verbose=1"):
        shown = (await api.client.get(path)).json()
        assert set(shown["checks"]) == set((await _report(api.client))["checks"])


async def test_an_old_outbox_message_degrades_health_and_not_readiness(settings: Settings) -> None:
    async with open_database(settings) as database, database.write() as session:
        late = OutboxMessage(topic="unknown", created_at=now() - LATE, available_at=now() + LATE)
        session.add(late)
    async with _started(settings) as client:
        report = await _report(client)
        assert report["status"] == "degraded"
        assert report["checks"]["queue"]["status"] == "degraded"
        assert report["checks"]["queue"]["detail"].startswith("1 message waits, the oldest for ")
        assert float(report["checks"]["queue"]["detail"].split()[-2]) > MAX_WAIT_SECONDS
        assert (await client.get("/readyz")).status_code == 200


async def test_a_read_only_or_unavailable_redis_is_reported_and_the_replica_stays_ready(
    migrated_database_url: str, tmp_path: Path
) -> None:
    port = free_port()
    stores = {"database_url": migrated_database_url, "redis_url": f"redis://127.0.0.1:{port}"}
    settings = read(state_dir=tmp_path, provider_url="http://127.0.0.1:9", _env_file=None, **stores)
    with own_redis(tmp_path, port) as server:
        async with _started(settings) as client:
            first = (await _report(client))["checks"]["redis"]
            assert first["status"] == "ok"
            await _command(port, "REPLICAOF", "127.0.0.1", "9")
            refusing = await _until(client, "redis", lambda check: check["status"] == "degraded")
            assert refusing["detail"] == "Answers, but refuses to write."
            assert refusing["since"] > first["since"]
            await _command(port, "REPLICAOF", "NO", "ONE")
            await _until(client, "redis", lambda check: check["status"] == "ok")
            server.kill()
            gone = await _until(client, "redis", lambda check: check["status"] == "down")
            assert (await _report(client))["status"] == "degraded"
            assert (await client.get("/readyz")).status_code == 200
            assert (await _report(client))["checks"]["redis"]["since"] == gone["since"]


async def _command(port: int, *words: str) -> None:
    from redis.asyncio import Redis  # noqa: PLC0415

    async with Redis(port=port) as client:
        await client.execute_command(*words)  # type: ignore[no-untyped-call]


async def test_an_open_breaker_is_down_until_it_closes(api: Api) -> None:
    for _ in range(10):  # nothing listens at the provider's address
        await api.client.get("/api/v1/rates", params={"base": "EUR"})
    rates = await _until(api.client, "rates", lambda check: check["status"] == "down")
    assert rates["detail"] == "The circuit breaker is open: calls are refused without being sent."
    assert (await api.client.get("/readyz")).status_code == 200
