"""Endpoint of exchange rates."""

from typing import Annotated, Final

from fastapi import APIRouter, Query, Response

from app.api.contract.responses import refused
from app.api.dependencies import RatesService
from app.rates.schemas import CurrencyCode, RatesView

router = APIRouter(prefix="/rates", tags=["rates"])
STALE: Final = '110 - "Response is Stale"'
_HEADERS: Final = {
    "Age": {"description": "Seconds since the provider said so", "schema": {"type": "integer"}},
    "Cache-Control": {"description": "How long they are fresh", "schema": {"type": "string"}},
    "Warning": {"description": f"{STALE}, while the provider does not answer", "schema": {"type": "string"}},
}


@router.get(
    "",
    summary="Get exchange rates",
    responses={
        200: {"headers": _HEADERS},
        **refused(404, 503, 504),
    },
)
async def get_rates(
    base: Annotated[CurrencyCode, Query(description="the currency whose worth is asked for, ISO 4217")],
    rates: RatesService,
    response: Response,
) -> RatesView:
    """What one unit of a currency is worth in others.

    While the provider fails, the last known rates of up to a day ago, marked as stale; 504 or 503 when none are known.
    """
    latest = await rates.latest(base)
    response.headers["Age"] = str(latest.age_seconds)
    response.headers["Cache-Control"] = f"public, max-age={rates.fresh_seconds}"
    if latest.stale:
        response.headers["Warning"] = STALE
    quotes = {currency: format(rate, "f") for currency, rate in latest.table.rates.items()}
    return RatesView(base=base, as_of=latest.table.as_of, stale=latest.stale, rates=quotes)
