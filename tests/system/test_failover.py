"""Failover of PostgreSQL: the standby is promoted, the old primary becomes read-only, and the DNS name moves."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from uuid import uuid4

import httpx2
import pytest

from app.infra.database import schema
from app.processes.api import create_app
from app.settings import read
from tests.support.faulty_network import Wire, wire_to
from tests.system.replication import Server, primary_and_standby

pytestmark = pytest.mark.anyio
PASSWORD = "correct horse battery"


@pytest.fixture
def pair() -> Iterator[tuple[Server, Server]]:
    with primary_and_standby() as servers:
        yield servers


@asynccontextmanager
async def _api(url: str) -> AsyncIterator[httpx2.AsyncClient]:
    binnacle = create_app(read(_env_file=None, database_url=url, rate_limit_writes=10**6))
    transport = httpx2.ASGITransport(app=binnacle)
    async with (
        binnacle.app.router.lifespan_context(binnacle.app),
        httpx2.AsyncClient(transport=transport, base_url="http://testserver", timeout=60) as client,
    ):
        yield client


async def _migrate(url: str) -> None:
    with ThreadPoolExecutor(1) as thread:  # it runs its own event loop
        await asyncio.wrap_future(thread.submit(schema.migrate, read(_env_file=None, database_url=url)))


async def _write(client: httpx2.AsyncClient) -> httpx2.Response:
    name = f"u{uuid4().hex[:12]}"
    account = {"username": name, "email": f"{name}@example.com", "password": PASSWORD, "password_confirm": PASSWORD}
    return await client.post("/api/v1/auth/register", json=account)


async def _until_written(client: httpx2.AsyncClient) -> None:
    async with asyncio.timeout(10):
        while (answer := await _write(client)).status_code != httpx2.codes.CREATED:
            assert answer.status_code == httpx2.codes.SERVICE_UNAVAILABLE, answer.text
            await asyncio.sleep(0.1)


async def _until_readyz_says(client: httpx2.AsyncClient, status: str) -> None:
    async with asyncio.timeout(10):
        while not (await client.get("/readyz")).json()["status"].startswith(status):  # noqa: ASYNC110
            await asyncio.sleep(0.1)


async def _fail_over(old: Server, new: Server) -> None:
    await asyncio.to_thread(old.stop)
    await asyncio.to_thread(new.promote)
    await asyncio.to_thread(old.start, as_standby=True)


async def test_the_new_primary_is_found_when_the_name_moves(pair: tuple[Server, Server]) -> None:
    old, new = pair
    async with wire_to(old.url) as wire:
        url = wire.url(old.url)
        await _migrate(url)
        async with _api(url) as client:
            await _until_written(client)
            await _until_readyz_says(client, "ok")
            await _fail_over(old, new)

            answer = await _write(client)
            assert (answer.status_code, answer.json()["code"]) == (503, "database_read_only")
            assert int(answer.headers["Retry-After"]) > 0
            await _until_readyz_says(client, "database: takes no writes")

            wire.address = new.socket
            await _until_written(client)
            await _until_readyz_says(client, "ok")


async def test_the_new_primary_is_found_among_the_hosts_of_the_url(pair: tuple[Server, Server]) -> None:
    old, new = pair
    async with wire_to(old.url) as first, wire_to(new.url) as second:
        url = _both(first, second)
        await _migrate(url)
        async with _api(url) as client:
            await _until_written(client)
            await _fail_over(old, new)
            await _until_written(client)
            await _until_readyz_says(client, "ok")


def _both(first: Wire, second: Wire) -> str:
    return f"postgresql://postgres@127.0.0.1:{first.port},127.0.0.1:{second.port}/postgres?connect_timeout=2"
