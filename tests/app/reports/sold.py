"""Inserts paid orders without a provider: reports only read them."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID, uuid4

from sqlalchemy import insert

from app.catalog.models import Item
from app.infra.database import Database
from app.infra.database.orm import now
from app.orders.models import Order, OrderLine


@dataclass(frozen=True, slots=True)
class Sale:
    order_id: UUID
    item_id: UUID
    paid_at: datetime


async def item(database: Database, seller: str, name: str = "Bell") -> UUID:
    """Inserts an item of a seller."""
    item_id = uuid4()
    row = Item(id=item_id, owner_id=UUID(seller), name=name, price_minor=1990, currency="EUR", stock=5)
    async with database.write() as session:
        session.add(row)
    return item_id


async def sell(
    database: Database,
    buyer: str,
    items: list[UUID],
    *,
    times: int = 1,
    status: str = "paid",
    at: datetime | None = None,
) -> list[Sale]:
    """Inserts orders of one piece of each item, which became final at this time."""
    moment = at or now()
    ids = [uuid4() for _ in range(times)]
    order = {
        "buyer_id": UUID(buyer),
        "status": status,
        "total_minor": 1990 * len(items),
        "currency": "EUR",
        "created_at": moment,
        "finished_at": moment,
    }
    line = {"quantity": 2, "unit_price_minor": 995}
    async with database.write() as session:
        await session.execute(insert(Order), [{"id": order_id, **order} for order_id in ids])
        lines = [{"order_id": order_id, "item_id": item_id, **line} for order_id in ids for item_id in items]
        await session.execute(insert(OrderLine), lines)
    return [Sale(order_id, item_id, moment) for order_id in ids for item_id in items]
