"""Rates for other parts of the shop, and their cache."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import partial

import httpx2
import pytest
from prometheus_client import CollectorRegistry

from app.errors import NotFoundError, UnavailableError
from app.infra.cache import Cache, open_cache
from app.infra.resilience.circuit_breaker import Breaker
from app.infra.resilience.dependency import Dependency
from app.infra.resilience.retry import Retries
from app.rates.service import Rates, fetch
from app.settings import Settings, read
from app.telemetry.metrics import DependencyMetrics
from tests.support.ports import free_port
from tests.support.telemetry import metered

pytestmark = pytest.mark.anyio


@dataclass(slots=True)
class Provider:
    """A provider in this process that counts its calls, and answers or fails as the test sets."""

    asked: int = 0
    fails: bool = False
    usd: str = '"1.10"'
    base: str = "EUR"
    moment: datetime = field(default_factory=lambda: datetime(2026, 1, 15, 12, tzinfo=UTC))

    def answer(self, _request: httpx2.Request) -> httpx2.Response:
        self.asked += 1
        if self.fails:
            return httpx2.Response(503)
        rates = f'{{"EUR": "1", "USD": {self.usd}}}'
        body = f'{{"base": "{self.base}", "as_of": "{self.moment.isoformat()}", "rates": {rates}}}'
        return httpx2.Response(200, content=body)

    def clock(self) -> datetime:
        return self.moment


@asynccontextmanager
async def _replica(provider: Provider, cache: Cache) -> AsyncIterator[Rates]:
    metrics = DependencyMetrics(CollectorRegistry())
    client = httpx2.AsyncClient(transport=httpx2.MockTransport(provider.answer), base_url="http://provider")
    async with client:
        dependency = Dependency(
            "rates",
            client,
            metrics,
            operations=["rates"],
            breaker=Breaker("rates", metrics),
            retries=Retries("rates", metrics),
            try_seconds=5,
        )
        asked = partial(fetch, dependency, within=5)
        yield Rates(asked, cache, fresh_seconds=60, stale_seconds=3600, clock=provider.clock)


@asynccontextmanager
async def _cache(settings: Settings) -> AsyncIterator[Cache]:
    async with open_cache(settings, metered(settings)) as cache:
        yield cache


@pytest.fixture
async def memory() -> AsyncIterator[Cache]:
    async with _cache(read(_env_file=None)) as cache:
        yield cache


def _on_redis(url: str) -> Settings:
    return read(database_url="postgresql://nobody@127.0.0.1:9/none", redis_url=url, _env_file=None)


async def _advance_one_minute(provider: Provider, cache: Cache) -> None:
    provider.moment += timedelta(minutes=1, seconds=1)
    await cache.delete("rates:EUR")  # its clock is separate


async def test_a_rate_is_exact_and_has_its_date(memory: Cache) -> None:
    provider = Provider(usd="1.100000000000000000001")
    async with _replica(provider, memory) as rates:
        quote = await rates.rate("EUR", "USD")
        assert quote.rate == Decimal("1.100000000000000000001"), "a number in the provider's answer, and no float"
        assert (quote.as_of, quote.stale) == (provider.moment, False)
        same = await rates.rate("EUR", "EUR")
        assert (same.rate, same.stale) == (Decimal(1), False)
        assert provider.asked == 1
        with pytest.raises(NotFoundError, match="no exchange rates for CHF"):
            await rates.rate("EUR", "CHF")


async def test_equal_currencies_need_no_provider(memory: Cache) -> None:
    provider = Provider(fails=True)
    async with _replica(provider, memory) as rates:
        assert (await rates.rate("CHF", "CHF")).rate == 1
        assert provider.asked == 0


async def test_replicas_share_fresh_and_stale_rates(redis_url: str) -> None:
    provider = Provider()
    settings = _on_redis(redis_url)
    async with _cache(settings) as first_cache, _cache(settings) as second_cache:
        async with _replica(provider, first_cache) as first, _replica(provider, second_cache) as second:
            latest = await first.latest("EUR")
            assert (await second.latest("EUR")).table == latest.table
            assert provider.asked == 1
        await _advance_one_minute(provider, first_cache)
        provider.fails = True
        async with _replica(provider, second_cache) as started_since:
            old = await started_since.latest("EUR")
            assert (old.table, old.stale, old.age_seconds) == (latest.table, True, 61)


async def test_the_newest_known_rate_is_used(redis_url: str) -> None:
    provider = Provider()
    settings = _on_redis(redis_url)
    async with (
        _cache(settings) as cache,
        _cache(settings) as second_cache,
        _replica(provider, cache) as first,
        _replica(provider, second_cache) as second,
    ):
        await first.latest("EUR")
        await _advance_one_minute(provider, cache)
        provider.usd = '"1.20"'
        await second.latest("EUR")
        await _advance_one_minute(provider, cache)
        provider.fails = True
        quote = await first.rate("EUR", "USD")
        assert (quote.rate, quote.stale) == (Decimal("1.20"), True)


async def test_without_redis_each_process_caches_for_itself() -> None:
    provider = Provider()
    unreachable = f"redis://127.0.0.1:{free_port()}"
    async with _cache(_on_redis(unreachable)) as cache, _replica(provider, cache) as rates:
        assert (await rates.rate("EUR", "USD")).rate == Decimal("1.10")
        assert (await rates.rate("EUR", "USD")).stale is False
        assert provider.asked == 1
        provider.moment += timedelta(minutes=2)
        provider.fails = True
        assert (await rates.rate("EUR", "USD")).stale is True
        provider.moment += timedelta(hours=1)
        with pytest.raises(UnavailableError):
            await rates.rate("EUR", "USD")


@pytest.mark.parametrize(
    "usd", ["0", '"-1"', '"NaN"', '"Infinity"', "NaN", "1e999", '"1e-999999"', '"x"', "null", "[]"]
)
async def test_an_invalid_rate_is_never_used(usd: str, memory: Cache) -> None:
    async with _replica(Provider(usd=usd), memory) as rates:
        with pytest.raises(UnavailableError):
            await rates.rate("EUR", "USD")


async def test_rates_of_another_base_currency_are_never_used(memory: Cache) -> None:
    async with _replica(Provider(base="USD"), memory) as rates:
        with pytest.raises(UnavailableError):
            await rates.rate("EUR", "USD")
