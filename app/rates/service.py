"""Exchange rates: fetched once a minute, and kept for a day as a fallback."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import KW_ONLY, dataclass, field
from datetime import datetime
from decimal import Decimal
from functools import partial
from http import HTTPStatus
from typing import Final

from app.errors import NotFoundError, UnavailableError
from app.infra.cache import Cache
from app.infra.database.orm import now
from app.infra.http_client import open_dependency
from app.infra.resilience.dependency import Answer, Dependency
from app.rates.schemas import KnownTable, Quote, RateTable
from app.settings import Settings
from app.telemetry.telemetry import Telemetry

TARGET: Final = "rates"
OPERATIONS: Final = ("rates",)
_FRESH: Final = "rates:{}"
_KNOWN: Final = "rates:{}:known"


@dataclass(frozen=True, slots=True)
class Latest:
    """Latest known rates: fresh, or stale while the provider does not answer. The age counts from its last answer."""

    table: RateTable
    age_seconds: int
    stale: bool


@dataclass(slots=True)
class Rates:
    """Rates from this process's memory, the cache, or the provider, which `fetch` asks for those of a currency.

    During an outage of Redis, each process fetches and remembers rates for itself. `clock` is the time of day.
    """

    fetch: Callable[[str], Awaitable[RateTable]]
    cache: Cache
    _: KW_ONLY
    fresh_seconds: int
    stale_seconds: int
    clock: Callable[[], datetime] = now
    # Bounded by the currencies that the provider quotes.
    _known: dict[str, KnownTable] = field(default_factory=dict, init=False)
    _quoted: frozenset[str] = field(default=frozenset(), init=False)

    async def rate(self, base: str, quote: str) -> Quote:
        """Returns the worth of one unit of `base` in `quote`, both ISO 4217 codes; 1 for the same, without a call.

        Raises NotFoundError for a currency that is not quoted, TimedOutError or UnavailableError when no rate is known.
        """
        if base == quote:
            return Quote(Decimal(1), self.clock(), stale=False)
        latest = await self.latest(base)
        if quote not in latest.table.rates:
            raise _unknown(quote)
        return Quote(latest.table.rates[quote], latest.table.as_of, latest.stale)

    async def latest(self, base: str) -> Latest:
        """Returns all rates of a currency. Raises the errors of `rate`."""
        known = self._known.get(base)
        if known is not None and self._age(known) < self.fresh_seconds:
            return self._latest(known)
        if self._quoted and base not in self._quoted:
            raise _unknown(base)
        try:
            content = await self.cache.get_or_make(_FRESH.format(base), partial(self._ask, base), self.fresh_seconds)
        except UnavailableError:
            known = await self._older(base)
            if known is None:
                raise
            self.cache.stale(_KNOWN)
            return self._latest(known, stale=True)
        return self._latest(self._remember(KnownTable.model_validate_json(content)))

    async def _ask(self, base: str) -> bytes:
        table = await self.fetch(base)
        content = KnownTable(table=table, received_at=self.clock()).model_dump_json().encode()
        await self.cache.set(_KNOWN.format(base), content, self.stale_seconds)
        return content

    async def _older(self, base: str) -> KnownTable | None:
        """Returns the last rates that any process fetched, unless they are too old."""
        known = self._known.get(base)
        content = await self.cache.older(_KNOWN.format(base))
        if content is not None:
            shared = KnownTable.model_validate_json(content)
            if known is None or shared.received_at > known.received_at:
                known = self._remember(shared)
        return known if known is not None and self._age(known) < self.stale_seconds else None

    def _remember(self, known: KnownTable) -> KnownTable:
        self._known[known.table.base] = known
        self._quoted = frozenset(known.table.rates) | {known.table.base}
        return known

    def _latest(self, known: KnownTable, *, stale: bool = False) -> Latest:
        return Latest(known.table, int(self._age(known)), stale)

    def _age(self, known: KnownTable) -> float:
        """Returns the age in seconds; never below 0, since another replica's clock may be ahead."""
        return max(0.0, (self.clock() - known.received_at).total_seconds())


async def fetch(dependency: Dependency, base: str, *, within: float) -> RateTable:
    """Returns the provider's rates of a currency. Raises NotFoundError when it is not quoted, UnavailableError."""

    def read(answer: Answer) -> RateTable:
        if answer.status == HTTPStatus.NOT_FOUND:
            raise _unknown(base)
        table = RateTable.model_validate(json.loads(answer.content, parse_float=Decimal))
        if table.base != base:
            raise ValueError("these are the rates of another currency")
        return table

    return await dependency.get("rates", "/v1/rates", read, params={"base": base}, within=within)


def _unknown(currency: str) -> NotFoundError:
    return NotFoundError(f"There are no exchange rates for {currency}.")


@asynccontextmanager
async def open_rates(settings: Settings, telemetry: Telemetry, cache: Cache) -> AsyncIterator[Rates]:
    """Opens the client of the provider of exchange rates, which connects at its first use."""
    url, key, within = settings.provider_url, settings.provider_api_key, settings.rates_timeout_seconds
    fresh, stale = settings.rates_fresh_seconds, settings.rates_stale_seconds
    opened = open_dependency(TARGET, url, within, OPERATIONS, settings=settings, telemetry=telemetry, api_key=key)
    async with opened as dependency:
        ask = partial(fetch, dependency, within=within)
        yield Rates(ask, cache, fresh_seconds=fresh, stale_seconds=stale)
