"""Fixtures with each store of the limit counters."""

import shutil
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from app.processes.api import create_app
from app.settings import Settings, read
from tests.app.accounts.addresses import HOME, Shop
from tests.support.ports import free_port

NAMES = ("ada", "grace")


@pytest.fixture(params=["memory", "redis", "redis that is gone"])
def counting(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Settings with limit counters in memory, in Redis, or in an unavailable Redis; the database is migrated."""
    given: dict[str, object] = {}
    if request.param == "memory":
        shutil.copytree(request.getfixturevalue("migrated_sqlite"), tmp_path, dirs_exist_ok=True)
    else:
        given["database_url"] = request.getfixturevalue("migrated_database_url")
        given["redis_url"] = f"redis://127.0.0.1:{free_port()}"
    if request.param == "redis":
        given["redis_url"] = request.getfixturevalue("redis_url")
        # A slow machine must not fail over to local counters, which would allow guesses beyond the limit.
        monkeypatch.setattr("app.infra.redis.pool.REDIS_SECONDS", 10.0)
    given |= {"state_dir": tmp_path, "secret_key": "k" * 32, "provider_url": "http://127.0.0.1:9"}
    return read(_env_file=None, password_wait_seconds=30, **given)


@pytest.fixture
async def shop(counting: Settings) -> AsyncIterator[Shop]:
    """API in which the accounts of NAMES are registered from the address HOME."""
    async with AsyncExitStack() as stack:
        binnacle = create_app(counting)
        await stack.enter_async_context(binnacle.app.router.lifespan_context(binnacle.app))
        shop = Shop(binnacle, counting)
        for name in NAMES:
            (await shop.register(HOME, name)).raise_for_status()
        yield shop
