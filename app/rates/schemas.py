"""Exchange rates, as decimals that never pass through a float."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Annotated

from pydantic import AwareDatetime, BaseModel, Field

from app.schemas import examples

CurrencyCode = Annotated[str, Field(pattern="^[A-Z]{3}$", description="ISO 4217", examples=["EUR"])]
Rate = Annotated[Decimal, Field(gt=0, allow_inf_nan=False, max_digits=40, decimal_places=30)]


class RateTable(BaseModel):
    """Response of the provider: the worth of one unit of `base` at `as_of`."""

    base: CurrencyCode
    as_of: AwareDatetime
    rates: Annotated[dict[CurrencyCode, Rate], Field(min_length=1, max_length=1000)]


class KnownTable(BaseModel):
    """A cached response of the provider. `received_at` is of this service's clock."""

    table: RateTable
    received_at: AwareDatetime


class RatesView(BaseModel):
    """Value of one unit of `base` in each currency, as a decimal string, quoted by the provider at `as_of`.

    `stale` means that the provider fails and the rates are older than they should be.
    """

    model_config = examples(
        {
            "base": "EUR",
            "as_of": "2026-01-15T12:00:00Z",
            "stale": False,
            "rates": {"EUR": "1", "USD": "1.085", "GBP": "0.845"},
        }
    )

    base: CurrencyCode
    as_of: AwareDatetime
    stale: bool
    rates: dict[CurrencyCode, str]


@dataclass(frozen=True, slots=True)
class Quote:
    """Worth of one unit of a currency in another one; `stale` while the provider does not answer."""

    rate: Decimal
    as_of: datetime
    stale: bool
