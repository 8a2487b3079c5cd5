"""Request and response bodies of orders, version 1."""

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Literal
from uuid import UUID

from pydantic import AfterValidator, BaseModel, Field, StringConstraints, field_validator

from app.orders import countries
from app.orders.addresses import EXAMPLE, Address, Notes
from app.schemas import Input, PageQuery, Whole, examples

Status = Literal["pending", "paid", "failed", "cancelled"]
RefundState = Literal["none", "pending", "refunded"]


def _currency(value: str) -> str:
    if value not in countries.CURRENCIES:
        raise ValueError("must be a currency of ISO 4217 that this shop takes, with two decimals: EUR")
    return value


Currency = Annotated[
    str,
    StringConstraints(pattern="^[A-Z]{3}$"),
    AfterValidator(_currency),
    Field(description="ISO 4217", json_schema_extra={"enum": sorted(countries.CURRENCIES)}),
]


class NewLine(Input):
    """Item and quantity to order."""

    item_id: UUID
    quantity: Annotated[int, Field(ge=1, le=1000), Whole]


class NewOrder(Input):
    """Order to place. Each item may occur once.

    Without `currency`, all items must have the same currency, which becomes the order's. With it, prices in other
    currencies are converted at the current rate, which is stored with the order.
    """

    model_config = examples(
        {"lines": [{"item_id": "0b8f6e56-6c3f-4c51-9a57-0d5a4ed0a6b1", "quantity": 1}]},
        {
            "lines": [{"item_id": "0b8f6e56-6c3f-4c51-9a57-0d5a4ed0a6b1", "quantity": 2}],
            "currency": "USD",
            "shipping_address": EXAMPLE,
            "notes": "Please ring twice.",
        },
    )

    lines: Annotated[list[NewLine], Field(min_length=1, max_length=50)]
    currency: Currency | None = None
    shipping_address: Address | None = None
    notes: Notes | None = None

    @field_validator("lines")
    @classmethod
    def _each_item_once(cls, lines: list[NewLine]) -> list[NewLine]:
        if len({line.item_id for line in lines}) < len(lines):
            raise ValueError("an item appears in two lines; add their quantities")
        return lines


class OrderQuery(PageQuery):
    """Filter and page of a list of orders."""

    status: Annotated[Status, Field(description="Status of the orders")] | None = None


class LineView(BaseModel):
    """Line of an order, at the price of the time of the order and in the order's currency.

    `item_price` is what the item cost in `item_currency`, where that is another one. Then `total` is converted and
    rounded once, and `unit_price` is one piece rounded for display: their product may differ from `total`.
    """

    item_id: UUID
    quantity: int
    unit_price: Decimal
    total: Decimal
    item_price: Decimal | None = None
    item_currency: str | None = None


class ExchangeRate(BaseModel):
    """Value of one unit of `base` in the order's currency, as a decimal string, quoted at `as_of`."""

    base: str
    rate: str
    as_of: datetime


class OrderView(BaseModel):
    """Representation of an order for its buyer.

    `failure_reason` is set when the status is `failed`. `refund` is `pending` from the cancellation of a charged order
    until it is refunded, and while it is unknown whether the order was charged.
    """

    id: UUID
    status: Status
    total: Decimal
    currency: str
    failure_reason: str | None
    refund: RefundState
    created_at: datetime
    finished_at: datetime | None
    cancelled_at: datetime | None
    refunded_at: datetime | None


class OrderDetail(OrderView):
    """Order with its lines, its shipping address, and the exchange rates of its conversion."""

    lines: list[LineView]
    exchange_rates: list[ExchangeRate]
    shipping_address: Address | None
    notes: str | None


class OrderPage(BaseModel):
    """One page of the caller's orders, newest first."""

    orders: list[OrderView]
    page: int
    per_page: int
