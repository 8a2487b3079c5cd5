"""Services to measure: a bare baseline, an embedded shop, and shops on PostgreSQL with and without Redis."""

import json
import os
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from uuid import UUID, uuid4

import httpx2
from sqlalchemy import insert, select

from app.accounts.models import Account
from app.catalog.models import Item
from app.infra.database import open_database, schema
from app.seeding.items import seed
from app.settings import Settings, read
from tests.support import servers
from tests.support.customer import Shopper
from tests.support.ports import free_port
from tests.support.processes import Processes, wait_until

# Rate limits stay on but never refuse, since a refusal costs less than a response.
HIGH_LIMITS = {"RATE_LIMIT_READS": 10**9, "RATE_LIMIT_WRITES": 10**9, "REGISTRATIONS_PER_ADDRESS": 0}


@dataclass(frozen=True, slots=True)
class Target:
    """A server to measure; requests cycle through `paths`."""

    name: str
    pid: int
    url: str
    paths: list[str]
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class Shops:
    """Starts services, which run until the block of `open_shops` ends."""

    folder: Path
    stack: ExitStack
    processes: Processes

    def embedded(self) -> tuple[int, str]:
        """Starts a seeded shop on SQLite and memory; returns its process id and URL."""
        state = self.folder / f"embedded-{uuid4().hex[:6]}"
        _prepare(read(state_dir=state, _env_file=None))
        running, url = self.processes.api(STATE_DIR=state, **HIGH_LIMITS)
        return running.pid, url

    def distributed(self, *, redis: bool) -> tuple[int, str, Settings]:
        """Starts a seeded shop on its own PostgreSQL and, with `redis`, Redis; returns process id, URL and settings."""
        folder = self.folder / f"stores-{uuid4().hex[:6]}"
        folder.mkdir()
        server = self.stack.enter_context(servers.postgresql())
        stores = {"DATABASE_URL": self.stack.enter_context(server.database())}
        if redis:
            stores["REDIS_URL"] = f"{self.stack.enter_context(servers.redis(folder))}/0"
        settings = read(**{name.lower(): value for name, value in stores.items()}, _env_file=None)
        _prepare(settings)
        running, url = self.processes.api(SECRET_KEY="k" * 32, **stores, **HIGH_LIMITS)
        return running.pid, url, settings

    def bare(self, body: str) -> Target:
        """Starts the bare baseline with this response body."""
        port = free_port()
        options = ["--port", str(port), "--no-access-log", "--loop", "uvloop", "--http", "httptools"]
        command = [self.processes.python, "-m", "uvicorn", "bench.bare:app", "--log-level", "warning", *options]
        process = self.stack.enter_context(subprocess.Popen(command, env={**os.environ, "BODY": body}))
        self.stack.callback(process.terminate)
        url = f"http://127.0.0.1:{port}"
        wait_until(lambda: _answers(url), 30, "the bare route")
        return Target("bare route", process.pid, url, [f"/items/{json.loads(body)['id']}"])


@contextmanager
def open_shops(folder: Path, python: str) -> Iterator[Shops]:
    with ExitStack() as stack, Processes(folder, python) as processes:
        yield Shops(folder, stack, processes)


def token(url: str) -> str:
    """Registers an account and returns its Authorization header."""
    with Shopper(url) as shopper:
        return str(shopper.client.headers["Authorization"])


def an_item(url: str) -> tuple[str, str]:
    """Returns the path and the body of one item."""
    items = httpx2.get(f"{url}/api/v1/items", trust_env=False).raise_for_status().json()["items"]
    path = f"/api/v1/items/{items[0]['id']}"
    return path, httpx2.get(f"{url}{path}", trust_env=False).raise_for_status().text


async def fill(settings: Settings, count: int) -> list[UUID]:
    """Adds `count` items to a shop and returns their ids."""
    ids = [uuid4() for _ in range(count)]
    async with open_database(settings) as database, database.write() as session:
        owner = (await session.execute(select(Account.id).limit(1))).scalar_one()
        same = {"owner_id": owner, "description": "Of brass.", "price_minor": 1990, "currency": "EUR", "stock": 9}
        rows = [{"id": one, "name": f"Bell {one.hex}", **same} for one in ids]
        for start in range(0, count, 1000):
            await session.execute(insert(Item), rows[start : start + 1000])
    return ids


def _prepare(settings: Settings) -> None:
    schema.migrate(settings)
    seed(settings)


def _answers(url: str) -> bool:
    try:
        return httpx2.get(f"{url}/livez", trust_env=False).is_success
    except httpx2.HTTPError:
        return False
