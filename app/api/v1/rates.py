"""Endpoint of exchange rates."""

from typing import Annotated, Final

from fastapi import APIRouter, Query, Response

from app.api.contract.responses import refused
from app.api.dependencies import AppServices
from app.rates.schemas import CurrencyCode, RatesView

router = APIRouter(prefix="/rates", tags=["rates"])
STALE: Final = '110 - "Response is Stale"'
_HEADERS: Final = {
    "Age": {"description": "Seconds since the provider returned the rates", "schema": {"type": "integer"}},
    "Cache-Control": {"description": "Seconds for which the rates are fresh", "schema": {"type": "string"}},
    "Warning": {"description": f"{STALE}, while the provider fails", "schema": {"type": "string"}},
}


@router.get("", summary="Get exchange rates", responses={200: {"headers": _HEADERS}, **refused(404, 503, 504)})
async def get_rates(
    base: Annotated[CurrencyCode, Query(description="Currency to convert from, ISO 4217")],
    services: AppServices,
    response: Response,
) -> RatesView:
    """Returns the value of one unit of a currency in other currencies.

    While the provider fails, the last rates of up to a day ago are returned, marked as stale; 504 or 503 without any.
    """
    latest = await services.rates.latest(base)
    response.headers["Age"] = str(latest.age_seconds)
    response.headers["Cache-Control"] = f"public, max-age={services.rates.fresh_seconds}"
    if latest.stale:
        response.headers["Warning"] = STALE
    quotes = {currency: format(rate, "f") for currency, rate in latest.table.rates.items()}
    return RatesView(base=base, as_of=latest.table.as_of, stale=latest.stale, rates=quotes)
