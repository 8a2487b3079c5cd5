"""A whole shop in processes: embedded, or two API processes with a worker on PostgreSQL and Redis."""

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from app.infra.database import schema
from app.seeding.items import seed
from app.settings import read
from tests.support import loopback
from tests.support.processes import Processes, Running


@dataclass(frozen=True, slots=True)
class RunningShop:
    """`urls` are those of `apis`, one or two, which share `stores`; all pay at one provider."""

    apis: Sequence[Running]
    urls: Sequence[str]
    provider: str
    stores: Mapping[str, str] = field(default_factory=dict)

    def behave(self, **behaviour: Any) -> None:
        loopback.put(f"{self.provider}/v1/behaviour", json=behaviour).raise_for_status()


def prepare(processes: Processes) -> None:
    """Lays out what embedded processes will use: a state that is migrated and seeded."""
    processes.state_dir.mkdir(exist_ok=True)
    for name, content in _seeded_state().items():
        (processes.state_dir / name).write_bytes(content)


def prepare_database(url: str) -> None:
    """Migrates and seeds what distributed processes will share."""
    settings = read(database_url=url, _env_file=None)
    schema.migrate(settings)
    seed(settings)


def prepare_stores(database_url: str, redis_url: str) -> dict[str, str]:
    """The settings of processes that share these stores, which it prepares."""
    prepare_database(database_url)
    return stores_at(database_url, redis_url)


def stores_at(database_url: str, redis_url: str) -> dict[str, str]:
    """The settings of processes that share these stores."""
    return {"DATABASE_URL": database_url, "REDIS_URL": redis_url, "SECRET_KEY": "k" * 32}


@cache
def _seeded_state() -> Mapping[str, bytes]:
    """The files of a state folder by their names. To make them anew for each test takes half a second of CPU."""
    with tempfile.TemporaryDirectory() as folder:
        settings = read(state_dir=folder, _env_file=None)
        schema.migrate(settings)
        seed(settings)
        return {file.name: file.read_bytes() for file in Path(folder).iterdir()}


def embedded(processes: Processes, **settings: object) -> RunningShop:
    provider = processes.sandbox()
    prepare(processes)
    api, url = processes.api(PROVIDER_URL=provider, **settings)
    return RunningShop([api], [url], provider)


def distributed(processes: Processes, stores: dict[str, str], **settings: object) -> RunningShop:
    provider = processes.sandbox()
    processes.worker(PROVIDER_URL=provider, **stores, **settings)
    apis = [processes.api(PROVIDER_URL=provider, **stores, **settings) for _ in range(2)]
    return RunningShop([api for api, _ in apis], [url for _, url in apis], provider, stores)
