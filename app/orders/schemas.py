"""What goes in and out of the order endpoints, version 1."""

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, field_validator

Status = Literal["pending", "paid", "failed"]


class NewLine(BaseModel):
    """How many of which item."""

    model_config = ConfigDict(extra="forbid")

    item_id: UUID
    quantity: Annotated[int, Field(ge=1, le=1000)]


class NewOrder(BaseModel):
    """What to buy. An item appears once; all items are in one currency."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [{"lines": [{"item_id": "0b8f6e56-6c3f-4c51-9a57-0d5a4ed0a6b1", "quantity": 1}]}]
        },
    )

    lines: Annotated[list[NewLine], Field(min_length=1, max_length=50)]

    @field_validator("lines")
    @classmethod
    def _each_item_once(cls, lines: list[NewLine]) -> list[NewLine]:
        if len({line.item_id for line in lines}) < len(lines):
            raise ValueError("an item appears in two lines; add their quantities")
        return lines


class LineView(BaseModel):
    """One line, at the price of the order's moment."""

    item_id: UUID
    quantity: int
    unit_price: Decimal


class OrderView(BaseModel):
    """An order as its buyer sees it. `failure_reason` is set when the status is `failed`."""

    id: UUID
    status: Status
    total: Decimal
    currency: str
    failure_reason: str | None
    created_at: datetime
    finished_at: datetime | None


class OrderDetail(OrderView):
    """An order with its lines."""

    lines: list[LineView]


class OrderPage(BaseModel):
    """One page of the caller's own orders, newest first."""

    orders: list[OrderView]
    page: int
    per_page: int
