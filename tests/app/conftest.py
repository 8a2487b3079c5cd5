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

from app.infra import schema
from app.main import Binnacle, create_app
from app.seed import seed
from app.settings import Settings, read
from tests.app import servers
from tests.app.processes import Processes
from tests.app.servers import PostgreSQL


@pytest.fixture(autouse=True)
def _plain_logs() -> None:
    """structlog's default draws tracebacks with all locals, which takes a minute."""
    processors = structlog.processors
    structlog.configure(
        [processors.add_log_level, processors.format_exc_info, processors.JSONRenderer(default=str)],
        logger_factory=structlog.PrintLoggerFactory(),
    )


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="session")
def postgresql(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PostgreSQL]:
    """A real PostgreSQL; its own database for whoever asks."""
    with servers.postgresql(tmp_path_factory.mktemp("postgresql")) as server:
        yield server


@pytest.fixture(scope="session")
def redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a real Redis."""
    with servers.redis(tmp_path_factory.mktemp("redis")) as url:
        yield url


@pytest.fixture
def database_url(postgresql: PostgreSQL) -> str:
    """An empty database in PostgreSQL."""
    return postgresql.create_database()


@pytest.fixture
def redis_url(redis_server: str) -> str:
    """An empty database in Redis."""
    return servers.empty_redis_database(redis_server)


@pytest.fixture
def stores(database_url: str, redis_url: str) -> dict[str, str]:
    """The settings of a distributed shop's processes; its database is migrated and seeded."""
    settings = read(database_url=database_url, redis_url=redis_url, _env_file=None)
    schema.migrate(settings)
    seed(settings)
    return {"DATABASE_URL": database_url, "REDIS_URL": redis_url, "SECRET_KEY": "k" * 32}


@pytest.fixture
def processes(tmp_path: Path) -> Iterator[Processes]:
    """Starts commands of the service as processes, and stops what is left of them."""
    with Processes(tmp_path) as started:
        yield started


@pytest.fixture
def sandbox(processes: Processes) -> str:
    """The URL of a sandbox provider of one's own."""
    return processes.sandbox()


@dataclass(frozen=True, slots=True)
class Api:
    """The API in this process, asked without a network. `client` raises what the application did not handle."""

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
def migrated_postgresql(postgresql: PostgreSQL) -> str:
    """The URL of a migrated database in PostgreSQL, to copy."""
    url = postgresql.create_database()
    schema.migrate(read(database_url=url, _env_file=None))
    return url


@pytest.fixture(params=["sqlite", "postgresql"])
def settings(request: pytest.FixtureRequest, tmp_path: Path) -> Settings:
    """Settings of an API on each database, migrated. Nobody answers at its provider's address."""
    state = tmp_path / "state"
    database: dict[str, object] = {}
    if request.param == "postgresql":
        server: PostgreSQL = request.getfixturevalue("postgresql")
        database["database_url"] = server.create_database(like=request.getfixturevalue("migrated_postgresql"))
    else:
        shutil.copytree(request.getfixturevalue("migrated_sqlite"), state)
    return read(state_dir=state, provider_url="http://127.0.0.1:9", _env_file=None, **database)


@pytest.fixture
async def api(settings: Settings) -> AsyncIterator[Api]:
    """The API on each database, started."""
    async with AsyncExitStack() as stack:
        binnacle = create_app(settings)
        await stack.enter_async_context(binnacle.app.router.lifespan_context(binnacle.app))
        transport = httpx2.ASGITransport(app=binnacle)
        client = await stack.enter_async_context(httpx2.AsyncClient(transport=transport, base_url="http://testserver"))
        yield Api(binnacle, client)
