"""Exchange rates: fetched once a minute, and kept for a day as a fallback."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import partial
from typing import TYPE_CHECKING, Final

from app.errors import UnavailableError
from app.infra.database.orm import now
from app.infra.http_client import open_dependency
from app.rates.provider import OPERATIONS, TARGET, RatesProvider, unknown
from app.rates.schemas import KnownTable, Quote, RateTable

if TYPE_CHECKING:
    from app.infra.cache import Cache
    from app.settings import Settings
    from app.telemetry.telemetry import Telemetry

_FRESH: Final = "rates:{}"
_KNOWN: Final = "rates:{}:known"


@dataclass(frozen=True, slots=True)
class Latest:
    """Latest known rates: fresh, or stale while the provider does not answer. The age counts from its last answer."""

    table: RateTable
    age_seconds: int
    stale: bool


class Rates:
    """Rates from this process's memory, the cache, or the provider.

    During an outage of Redis, each process fetches and remembers rates for itself. `clock` is the time of day.
    """

    def __init__(
        self,
        provider: RatesProvider,
        cache: "Cache",
        *,
        fresh_seconds: int,
        stale_seconds: int,
        clock: Callable[[], datetime] = now,
    ) -> None:
        self._provider = provider
        self._cache = cache
        self.fresh_seconds = fresh_seconds
        self._stale_seconds = stale_seconds
        self._clock = clock
        self._known: dict[str, KnownTable] = {}  # bounded by the currencies that the provider quotes
        self._quoted: frozenset[str] = frozenset()

    async def rate(self, base: str, quote: str) -> Quote:
        """Returns the worth of one unit of `base` in `quote`, both ISO 4217 codes; 1 for the same, without a call.

        Raises NotFoundError for a currency that is not quoted, TimedOutError or UnavailableError when no rate is known.
        """
        if base == quote:
            return Quote(Decimal(1), self._clock(), stale=False)
        latest = await self.latest(base)
        if quote not in latest.table.rates:
            raise unknown(quote)
        return Quote(latest.table.rates[quote], latest.table.as_of, latest.stale)

    async def latest(self, base: str) -> Latest:
        """Returns all rates of a currency. Raises the errors of `rate`."""
        known = self._known.get(base)
        if known is not None and self._age(known) < self.fresh_seconds:
            return self._latest(known)
        if self._quoted and base not in self._quoted:
            raise unknown(base)
        try:
            content = await self._cache.get_or_make(_FRESH.format(base), partial(self._ask, base), self.fresh_seconds)
        except UnavailableError:
            known = await self._older(base)
            if known is None:
                raise
            self._cache.stale(_KNOWN)
            return self._latest(known, stale=True)
        return self._latest(self._remember(KnownTable.model_validate_json(content)))

    async def _ask(self, base: str) -> bytes:
        table = await self._provider.table(base)
        content = KnownTable(table=table, received_at=self._clock()).model_dump_json().encode()
        await self._cache.set(_KNOWN.format(base), content, self._stale_seconds)
        return content

    async def _older(self, base: str) -> KnownTable | None:
        """Returns the last rates that any process fetched, unless they are too old."""
        known = self._known.get(base)
        content = await self._cache.older(_KNOWN.format(base))
        if content is not None:
            shared = KnownTable.model_validate_json(content)
            if known is None or shared.received_at > known.received_at:
                known = self._remember(shared)
        return known if known is not None and self._age(known) < self._stale_seconds else None

    def _remember(self, known: KnownTable) -> KnownTable:
        self._known[known.table.base] = known
        self._quoted = frozenset(known.table.rates) | {known.table.base}
        return known

    def _latest(self, known: KnownTable, *, stale: bool = False) -> Latest:
        return Latest(known.table, int(self._age(known)), stale)

    def _age(self, known: KnownTable) -> float:
        """Returns the age in seconds; never below 0, since another replica's clock may be ahead."""
        return max(0.0, (self._clock() - known.received_at).total_seconds())


@asynccontextmanager
async def open_rates(settings: "Settings", telemetry: "Telemetry", cache: "Cache") -> AsyncIterator[Rates]:
    """Opens the client of the provider of exchange rates, which connects at its first use."""
    within = settings.rates_timeout_seconds
    opened = open_dependency(
        TARGET,
        settings.provider_url,
        within,
        OPERATIONS,
        settings=settings,
        telemetry=telemetry,
        api_key=settings.provider_api_key,
    )
    async with opened as dependency:
        yield Rates(
            RatesProvider(dependency, within),
            cache,
            fresh_seconds=settings.rates_fresh_seconds,
            stale_seconds=settings.rates_stale_seconds,
        )
