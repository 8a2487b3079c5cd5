"""Fixtures of the rates tests: one sandbox for all, and the API that calls it."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx2
import pytest

from app.processes.api import create_app
from app.settings import Settings
from tests.app.conftest import Api
from tests.support import loopback
from tests.support.processes import Processes


@dataclass(frozen=True, slots=True)
class RatesFixture:
    """The API and its rates provider."""

    api: Api
    provider: str

    async def get(self, base: str = "EUR") -> httpx2.Response:
        return await self.api.client.get("/api/v1/rates", params={"base": base})

    async def behave(self, **rates: float) -> None:
        async with loopback.async_client() as client:
            (await client.put(f"{self.provider}/v1/behaviour", json={"rates": rates})).raise_for_status()

    def counted(self, name: str, **labels: str) -> float:
        value = self.api.binnacle.telemetry.registry.get_sample_value(name, {"target": "rates", **labels})
        assert value is not None, f"{name}{labels} is not there"
        return value

    def cached(self, outcome: str) -> float:
        labels = {"cache": "rates", "outcome": outcome}
        value = self.api.binnacle.telemetry.registry.get_sample_value("cache_requests_total", labels)
        assert value is not None
        return value

    def sent(self) -> float:
        """Number of calls of the provider."""
        return self.counted("dependency_request_duration_seconds_count", operation="rates")


@pytest.fixture(scope="module")
def running_sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """One sandbox for all tests: it stores nothing about rates."""
    with Processes(tmp_path_factory.mktemp("sandbox")) as processes:
        yield processes.sandbox()


@pytest.fixture
def rates_sandbox(running_sandbox: str) -> str:
    """The sandbox with its faults reset."""
    loopback.put(f"{running_sandbox}/v1/behaviour", json={}).raise_for_status()
    return running_sandbox


@asynccontextmanager
async def open_rates_api(settings: Settings, provider: str, **change: Any) -> AsyncIterator[RatesFixture]:
    """The API with these settings, started."""
    binnacle = create_app(settings.model_copy(update={"provider_url": provider, **change}))
    async with binnacle.app.router.lifespan_context(binnacle.app):
        transport = httpx2.ASGITransport(app=binnacle)
        async with httpx2.AsyncClient(transport=transport, base_url="http://testserver") as client:
            yield RatesFixture(Api(binnacle, client), provider)
