"""Exchange rates. They are constant, so that tests can rely on them."""

from datetime import UTC, datetime
from decimal import Context, Decimal
from typing import Annotated, Final

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel

from app.sandbox.behaviour import misbehaving
from app.sandbox.ledger import Refusal

router = APIRouter(tags=["rates"])
_DIGITS: Final = Context(prec=8)
# Value of one euro. The numbers are made up, and close to the rates of the mid-2020s.
PER_EURO: Final = {
    "EUR": Decimal(1),
    "USD": Decimal("1.0850"),
    "GBP": Decimal("0.8450"),
    "CHF": Decimal("0.9550"),
    "JPY": Decimal("163.50"),
    "SEK": Decimal("11.250"),
    "NOK": Decimal("11.650"),
    "DKK": Decimal("7.4600"),
    "PLN": Decimal("4.2800"),
    "CAD": Decimal("1.4900"),
    "AUD": Decimal("1.6500"),
}


class RateTable(BaseModel):
    """Value of one unit of `base` in each currency, as decimal strings of up to eight digits."""

    base: str
    as_of: datetime
    rates: dict[str, str]


@router.get("/v1/rates")
async def rates(request: Request, base: Annotated[str, Query(pattern="^[A-Z]{3}$")]) -> RateTable:
    """Returns the current rates; 404 `currency_unknown` for an unknown currency."""
    async with misbehaving(request, "rates"):
        if base not in PER_EURO:
            raise Refusal(404, "currency_unknown", f"The currencies are {', '.join(PER_EURO)}.")
        quotes = {name: _DIGITS.divide(worth, PER_EURO[base]) for name, worth in PER_EURO.items()}
        texts = {name: format(quote.normalize(_DIGITS), "f") for name, quote in quotes.items()}
        return RateTable(base=base, as_of=datetime.now(UTC).replace(microsecond=0), rates=texts)
