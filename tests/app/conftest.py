"""Fixtures of the service's tests: real servers, and the API on each back end."""

import shutil
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import httpx2
import pytest
import structlog

from app.accounts import passwords
from app.infra.database import schema
from app.processes.api import Binnacle, create_app
from app.settings import Settings, read
from tests.support import servers
from tests.support.processes import Processes
from tests.support.servers import PostgreSQL
from tests.support.shops import RunningShop, distributed, embedded, prepare_database, stores_at

PASSWORD_MEMORY_KIB = passwords.MEMORY_KIB


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Runs tests in the standing shop first, so that one process runs them: each would have to start a shop."""
    items.sort(key=lambda item: "standing_shop" not in getattr(item, "fixturenames", ()))


@pytest.fixture(autouse=True)
def _plain_logs() -> None:
    """Logs without locals: structlog's default renders tracebacks with all locals, which takes a minute."""
    processors = structlog.processors
    structlog.configure(
        [processors.add_log_level, processors.format_exc_info, processors.JSONRenderer(default=str)],
        logger_factory=structlog.PrintLoggerFactory(),
    )


@pytest.fixture(scope="session", autouse=True)
def _cheap_hashing() -> Iterator[None]:
    """Cheap argon2id hashes in this process: thousands of accounts are registered and log in."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(passwords, "MEMORY_KIB", 64)
        yield


@pytest.fixture
def real_hashing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hashes at the cost of production."""
    monkeypatch.setattr(passwords, "MEMORY_KIB", PASSWORD_MEMORY_KIB)


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="session")
def postgresql() -> Iterator[PostgreSQL]:
    """A real PostgreSQL server, on which each test gets its own database."""
    with servers.postgresql() as server:
        yield server


@pytest.fixture(scope="session")
def redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a real Redis."""
    with servers.redis(tmp_path_factory.mktemp("redis")) as url:
        yield url


@pytest.fixture
def database_url(postgresql: PostgreSQL) -> Iterator[str]:
    """An empty database in PostgreSQL."""
    with postgresql.database() as url:
        yield url


@pytest.fixture
def redis_url(redis_server: str) -> str:
    """An empty database in Redis."""
    return servers.empty_redis_database(redis_server)


@pytest.fixture(scope="session")
def seeded_postgresql(postgresql: PostgreSQL) -> Iterator[str]:
    """The URL of a migrated and seeded database in PostgreSQL, to copy."""
    with postgresql.database() as url:
        prepare_database(url)
        yield url


@pytest.fixture
def stores(postgresql: PostgreSQL, seeded_postgresql: str, redis_url: str) -> Iterator[dict[str, str]]:
    """The settings of a distributed shop's processes; its database is migrated and seeded."""
    with postgresql.database(like=seeded_postgresql) as url:
        yield stores_at(url, redis_url)


@pytest.fixture
def processes(tmp_path: Path) -> Iterator[Processes]:
    """Starts commands of the service as processes, and stops what is left of them."""
    with Processes(tmp_path) as started:
        yield started


@pytest.fixture(scope="session", params=["embedded", "distributed"])
def standing_shop(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningShop]:
    """A running shop on each pair of back ends, for tests that leave it unchanged."""
    folder = tmp_path_factory.mktemp("shop")
    # A wait for a connection that is too long is a 503, and on a slow machine many concurrent clients wait.
    room = {
        "RATE_LIMIT_READS": 10**6,
        "MAX_REQUESTS_IN_PROGRESS": 1000,  # concurrent tests are no overload
        "RATE_LIMIT_WRITES": 10**6,
        "REGISTRATIONS_PER_ADDRESS": 0,
        "PASSWORD_WAIT_SECONDS": 30,
        "DATABASE_POOL_TIMEOUT_SECONDS": 30,
    }
    with Processes(folder) as processes:
        if request.param == "embedded":
            yield embedded(processes, **room)
            return
        server: PostgreSQL = request.getfixturevalue("postgresql")
        seeded = request.getfixturevalue("seeded_postgresql")
        with servers.redis(folder) as redis_url, server.database(like=seeded) as url:
            yield distributed(processes, stores_at(url, f"{redis_url}/0"), **room)


@pytest.fixture
def running_shop(standing_shop: RunningShop) -> RunningShop:
    """The running shop, with its provider's faults reset."""
    standing_shop.behave()
    return standing_shop


@pytest.fixture(params=["embedded", "distributed"])
def own_shop(request: pytest.FixtureRequest, processes: Processes) -> RunningShop:
    """A running shop on each pair of back ends, for tests that stop it."""
    if request.param == "embedded":
        return embedded(processes)
    return distributed(processes, request.getfixturevalue("stores"))


@pytest.fixture
def sandbox(processes: Processes) -> str:
    """The URL of a sandbox provider for this test."""
    return processes.sandbox()


@dataclass(frozen=True, slots=True)
class Api:
    """The API in this process, called without a network. `client` raises what the application did not handle."""

    binnacle: Binnacle
    client: httpx2.AsyncClient

    async def login(self, name: str | None = None) -> httpx2.AsyncClient:
        """Registers an account and puts its token on the client."""
        name = name or f"u{uuid4().hex[:12]}"
        account = {
            "username": name,
            "email": f"{name}@example.com",
            "password": "correct horse battery",
            "password_confirm": "correct horse battery",
        }
        (await self.client.post("/api/v1/auth/register", json=account)).raise_for_status()
        form = {"username": name, "password": account["password"]}
        token = (await self.client.post("/api/v1/auth/token", data=form)).raise_for_status().json()["access_token"]
        self.client.headers["Authorization"] = f"Bearer {token}"
        return self.client


@pytest.fixture(scope="session")
def migrated_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A state folder with a migrated SQLite file, to copy: migrating anew for each test takes ten times as long."""
    folder = tmp_path_factory.mktemp("migrated")
    schema.migrate(read(state_dir=folder, _env_file=None))
    return folder


@pytest.fixture(scope="session")
def migrated_postgresql(postgresql: PostgreSQL) -> Iterator[str]:
    """The URL of a migrated database in PostgreSQL, to copy."""
    with postgresql.database() as url:
        schema.migrate(read(database_url=url, _env_file=None))
        yield url


@pytest.fixture
def migrated_database_url(postgresql: PostgreSQL, migrated_postgresql: str) -> Iterator[str]:
    """A migrated database in PostgreSQL."""
    with postgresql.database(like=migrated_postgresql) as url:
        yield url


@pytest.fixture(params=["sqlite", "postgresql"])
def settings(request: pytest.FixtureRequest, tmp_path: Path) -> Settings:
    """Settings of an API on each database, migrated. Its provider is unreachable."""
    state = tmp_path / "state"
    if request.param == "sqlite":
        shutil.copytree(request.getfixturevalue("migrated_sqlite"), state)
        return _long_timeouts(state_dir=state)
    return _long_timeouts(state_dir=state, database_url=request.getfixturevalue("migrated_database_url"))


@pytest.fixture(params=["sqlite", "postgresql"])
def empty(request: pytest.FixtureRequest, tmp_path: Path) -> Settings:
    """Settings with each database, not migrated."""
    database: dict[str, object] = {}
    if request.param == "postgresql":
        database["database_url"] = request.getfixturevalue("database_url")
    return read(state_dir=tmp_path / "state", _env_file=None, **database)


def _long_timeouts(**given: object) -> Settings:
    # On a slow machine many concurrent requests of a test wait longer for a connection than customers should.
    timeouts = {
        "database_pool_timeout_seconds": 30,
        "database_statement_timeout_seconds": 30,
        "password_wait_seconds": 30,
    }
    return read(provider_url="http://127.0.0.1:9", _env_file=None, **timeouts, **given)


@pytest.fixture
async def api(settings: Settings) -> AsyncIterator[Api]:
    """The API on each database, started."""
    async with AsyncExitStack() as stack:
        binnacle = create_app(settings)
        await stack.enter_async_context(binnacle.app.router.lifespan_context(binnacle.app))
        transport = httpx2.ASGITransport(app=binnacle)
        client = await stack.enter_async_context(httpx2.AsyncClient(transport=transport, base_url="http://testserver"))
        yield Api(binnacle, client)
