"""Prices the lines of an order, in whole minor units of its currency."""

from collections.abc import Iterable, Mapping
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Final
from uuid import UUID

from app.money import to_major
from app.orders.errors import ItemRepricedError, MixedCurrenciesError, TotalTooLargeError
from app.orders.models import OrderLine
from app.orders.schemas import ExchangeRate, NewLine

MAX_TOTAL_MINOR: Final = 2**31 - 1


def price_line(
    order_id: UUID, line: NewLine, price_minor: int, priced_in: str, currency: str, rates: Mapping[str, ExchangeRate]
) -> OrderLine:
    """Returns a line in the order's currency. Raises ItemRepricedError when there is no rate for the item's currency.

    A converted line is rounded once, half to even, and costs at least one cent: rounding each piece could change the
    price of 1,000 pieces by half. `unit_price_minor` is one piece, rounded for display.
    """
    converted = priced_in != currency
    if converted and priced_in not in rates:
        raise ItemRepricedError(f"Item {line.item_id} was priced anew meanwhile; look at it and order again.")
    rate = Decimal(rates[priced_in].rate) if converted else Decimal(1)
    return OrderLine(
        order_id=order_id,
        item_id=line.item_id,
        quantity=line.quantity,
        unit_price_minor=_rounded(price_minor * rate),
        total_minor=_rounded(price_minor * line.quantity * rate),
        item_currency=priced_in if converted else None,
        item_price_minor=price_minor if converted else None,
    )


def one_currency(currencies: set[str]) -> str:
    """Returns the only currency. Raises MixedCurrenciesError when there are several."""
    if len(currencies) > 1:
        raise MixedCurrenciesError(
            f"These items are in {', '.join(sorted(currencies))}; say with `currency` which one the order is in."
        )
    return currencies.pop()


def total(lines: Iterable[OrderLine]) -> int:
    """Returns the sum of the lines. Raises TotalTooLargeError."""
    cost = sum(line.total_minor for line in lines)
    if cost > MAX_TOTAL_MINOR:
        raise TotalTooLargeError(f"An order may cost {to_major(MAX_TOTAL_MINOR)} at most; split it.")
    return cost


def _rounded(minor: Decimal) -> int:
    return max(1, int(minor.quantize(Decimal(1), ROUND_HALF_EVEN)))
