"""Request and response bodies of items, version 1."""

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Literal, Self
from uuid import UUID

from pydantic import BaseModel, Field, StringConstraints, model_validator
from pydantic.config import JsonDict

from app.catalog.fields import Currency, Description, EndsAt, Name, Price, PriceLimit, SaleState, Status, Stock
from app.catalog.models import ItemRecord
from app.csv_output import Bom
from app.money import to_major
from app.schemas import Input, PageQuery, examples
from app.text.types import Plain

Sort = Literal["-created_at", "created_at", "-price", "price", "-name", "name"]

_EXAMPLE: JsonDict = {"name": "Sextant", "description": "Brass.", "price": "249.00", "currency": "EUR", "stock": 12}


class NewItem(Input):
    """Item to create. Its name must be unique, regardless of case. A paused item can't be ordered."""

    model_config = examples(_EXAMPLE)

    name: Name
    description: Description = ""
    price: Price
    currency: Currency = "EUR"
    stock: Stock = 0
    status: Status = "active"
    ends_at: EndsAt | None = None


class ItemChange(Input):
    """Changes of an item; missing fields stay unchanged (RFC 7396). Only `ends_at` can be removed, by null."""

    model_config = examples({"price": "199.00", "stock": 3}, minProperties=1)

    # The factories make the fields optional without making null a value; only what was set is read.
    name: Name = Field(default_factory=str)
    description: Description = Field(default_factory=str)
    price: Price = Field(default_factory=Decimal)
    currency: Currency = Field(default_factory=lambda: "EUR")
    stock: Stock = Field(default_factory=int)
    status: Status = Field(default_factory=lambda: "active")
    ends_at: EndsAt | None = None

    @model_validator(mode="after")
    def _something(self) -> Self:
        if not self.model_fields_set:
            raise ValueError("name at least one field to change")
        return self


class ItemView(BaseModel):
    """Public representation of an item. The price is a decimal string, so that no client rounds it."""

    id: UUID
    owner_id: UUID
    name: str
    description: str
    price: Decimal
    currency: str
    stock: int
    created_at: datetime
    status: str
    ends_at: datetime | None

    @classmethod
    def of(cls, item: ItemRecord) -> Self:
        return cls(price=to_major(item.price_minor), **item._asdict())


class ItemPage(BaseModel):
    """One page of items.

    `total` counts the items of all pages, up to 10,000 in a list and 1,000 in a search. If `total_is_exact` is false,
    there are at least `total` items.
    """

    items: list[ItemView]
    page: int
    per_page: int
    total: int
    total_is_exact: bool


class ItemFilter(Input):
    """Filter of items. Prices are compared without conversion, so give `currency` with them."""

    search: Annotated[str, StringConstraints(max_length=100), Plain, Field(description="Part of the name")] | None = (
        None
    )
    min_price: PriceLimit | None = None
    max_price: PriceLimit | None = None
    currency: Annotated[Currency, Field(description="Currency of the price, ISO 4217")] | None = None
    owner_id: Annotated[UUID, Field(description="Id of the owner")] | None = None
    status: Annotated[
        SaleState,
        Field(description="`active`: for sale now; `paused`: by the owner; `ended`: past `ends_at`"),
    ] = "active"

    @model_validator(mode="after")
    def _range(self) -> Self:
        if self.min_price is not None and self.max_price is not None and self.min_price > self.max_price:
            raise ValueError("min_price must not be above max_price")
        return self


class ExportQuery(ItemFilter):
    """Filter of exported items, and encoding of the file."""

    bom: Bom = False


class SearchQuery(PageQuery):
    """Words to search for, and the page of the results."""

    q: Annotated[
        str,
        StringConstraints(min_length=1, max_length=200),
        Plain,
        Field(
            description='Words that must all occur; also `"a phrase"`, `-excluded` and `or`',
            examples=["brass sextant -toy"],
        ),
    ]


class ItemQuery(ItemFilter, PageQuery):
    """Filter, order and page of a list of items."""

    sort: Annotated[Sort, Field(description="Sort key; a leading minus sorts in descending order")] = "-created_at"
