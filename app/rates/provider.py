"""Client of the exchange-rate provider."""

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
    """Fetches rates, within `within` seconds a call."""

    def __init__(self, dependency: Dependency, within: float) -> None:
        self._dependency = dependency
        self._within = within

    async def table(self, base: str) -> RateTable:
        """Returns the rates of a currency. Raises NotFoundError when it is not quoted, UnavailableError without an
        answer.
        """

        def read(answer: Answer) -> RateTable:
            if answer.status == HTTPStatus.NOT_FOUND:
                raise unknown(base)
            table = RateTable.model_validate(json.loads(answer.content, parse_float=Decimal))
            if table.base != base:
                raise ValueError("these are the rates of another currency")
            return table

        return await self._dependency.get("rates", "/v1/rates", read, params={"base": base}, within=self._within)


def unknown(currency: str) -> NotFoundError:
    """Returns the error for a currency that is not quoted."""
    return NotFoundError(f"There are no exchange rates for {currency}.")
