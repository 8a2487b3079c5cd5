"""Request and response bodies of items, version 2: money as amount and currency, lists by cursor."""

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Literal, Self
from uuid import UUID

from pydantic import BaseModel, Field

from app.catalog.fields import Currency, Description, EndsAt, Name, Price, Status, Stock
from app.catalog.models import ItemRecord
from app.catalog.schemas import ItemFilter, NewItem
from app.money import to_major
from app.schemas import Input, examples

CursorSort = Literal["-created_at", "created_at", "-price", "price"]


class NewMoney(Input):
    """Amount in major units of a currency (ISO 4217)."""

    amount: Price
    currency: Currency


class Money(BaseModel):
    """Amount as a decimal string, in major units of a currency (ISO 4217)."""

    amount: Decimal
    currency: str


class NewItemV2(Input):
    """Item to create; it differs from version 1 in its price."""

    model_config = examples({"name": "Sextant", "price": {"amount": "249.00", "currency": "EUR"}, "stock": 12})

    name: Name
    description: Description = ""
    price: NewMoney
    stock: Stock = 0
    status: Status = "active"
    ends_at: EndsAt | None = None

    def item(self) -> NewItem:
        """Returns the item in the terms of version 1, without a second validation."""
        fields = {name: getattr(self, name) for name in ("name", "description", "stock", "status", "ends_at")}
        return NewItem.model_construct(price=self.price.amount, currency=self.price.currency, **fields)


class ItemViewV2(BaseModel):
    """Public representation of an item."""

    id: UUID
    owner_id: UUID
    name: str
    description: str
    price: Money
    stock: int
    status: str
    ends_at: datetime | None
    created_at: datetime

    @classmethod
    def of(cls, item: ItemRecord) -> Self:
        price = Money(amount=to_major(item.price_minor), currency=item.currency)
        return cls(price=price, **item._asdict())


class ItemListV2(BaseModel):
    """Part of a list of items. Request the next part with `next_cursor`, which is null at the end."""

    items: list[ItemViewV2]
    next_cursor: str | None


class ItemCursorQuery(ItemFilter):
    """Filter, order, limit and cursor of a list of items."""

    sort: Annotated[CursorSort, Field(description="Sort key; a leading minus sorts in descending order")] = (
        "-created_at"
    )
    limit: Annotated[int, Field(ge=1, le=100, description="Maximum number of items")] = 20
    cursor: Annotated[str, Field(max_length=300, description="`next_cursor` of the same query")] | None = None

    @property
    def fingerprint(self) -> str:
        """Part of a query that must not change from one page to the next."""
        return self.model_dump_json(exclude={"cursor", "limit"})
