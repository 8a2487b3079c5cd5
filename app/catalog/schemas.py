"""What goes in and out of the item endpoints, version 1."""

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from app.paging import PageQuery
from app.text import Plain

Currency = Literal["EUR", "USD", "GBP"]
Price = Annotated[Decimal, Field(gt=0, max_digits=9, decimal_places=2, description="in major units: 19.90")]


class NewItem(BaseModel):
    """An item to be sold."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {"name": "Sextant", "description": "Brass.", "price": "249.00", "currency": "EUR", "stock": 12}
            ]
        },
    )

    name: Annotated[str, StringConstraints(min_length=1, max_length=120, strip_whitespace=True), Plain]
    description: Annotated[str, StringConstraints(max_length=2000), Plain] = ""
    price: Price
    currency: Currency = "EUR"
    stock: Annotated[int, Field(ge=0, le=1_000_000)] = 0


class ItemView(BaseModel):
    """An item as anybody sees it. The price is a decimal text, so that no client rounds it."""

    id: UUID
    owner_id: UUID
    name: str
    description: str
    price: Decimal
    currency: str
    stock: int
    created_at: datetime


class ItemPage(BaseModel):
    """One page of the catalogue, newest first; `total` counts all pages."""

    items: list[ItemView]
    page: int
    per_page: int
    total: int


class ItemQuery(PageQuery):
    """Which items, and which page of them."""

    search: Annotated[str, StringConstraints(max_length=100), Plain] | None = None
