"""The provider of exchange rates, as a client sees it."""

import json
from decimal import Decimal
from http import HTTPStatus
from typing import Final

from app.errors import NotFoundError
from app.infra.resilience.dependency import Answer, Dependency
from app.rates.schemas import RateTable

TARGET: Final = "rates"
OPERATIONS: Final = ("rates",)


class RatesProvider:
    """Asks for rates, for `within` seconds at most."""

    def __init__(self, dependency: Dependency, within: float) -> None:
        self._dependency = dependency
        self._within = within

    async def table(self, base: str) -> RateTable:
        """Raises NotFoundError for a currency that the provider does not quote, UnavailableError without an answer."""

        def read(answer: Answer) -> RateTable:
            if answer.status == HTTPStatus.NOT_FOUND:
                raise unknown(base)
            table = RateTable.model_validate(json.loads(answer.content, parse_float=Decimal))
            if table.base != base:
                raise ValueError("these are the rates of another currency")
            return table

        return await self._dependency.get("rates", "/v1/rates", read, params={"base": base}, within=self._within)


def unknown(currency: str) -> NotFoundError:
    """Said of a currency, which has the form of one."""
    return NotFoundError(f"There are no exchange rates for {currency}.")
