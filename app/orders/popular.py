"""The most ordered items. The module belongs to orders, which depend on the catalogue and not the other way round."""

from datetime import timedelta
from typing import Any, Final

from pydantic import BaseModel
from sqlalchemy import Select, func, select

from app.catalog import repository as catalog
from app.catalog.cached_items import name_for
from app.catalog.for_sale import FOR_SALE
from app.catalog.models import Item
from app.catalog.schemas import ItemView
from app.infra.cache import Cache
from app.infra.database import Database
from app.infra.database.orm import now
from app.orders.models import Order, OrderLine, OrderStatus

DAYS: Final = 30
MAX_RESULTS: Final = 20
TTL_SECONDS: Final = 60
_COUNTED: Final = (OrderStatus.PENDING, OrderStatus.PAID)


class PopularItem(BaseModel):
    """Item, and the number of its pieces in pending and paid orders of the last 30 days."""

    item: ItemView
    ordered: int


class PopularItems(BaseModel):
    """Items that are ordered most, by pieces; at most a minute old."""

    items: list[PopularItem]


_REPRESENTATION: Final = name_for("v1", PopularItems)


class Popular:
    """Counts the most ordered items at most once a minute for all replicas."""

    def __init__(self, database: Database, cache: Cache) -> None:
        self._database = database
        self._cache = cache

    async def top(self) -> bytes:
        """Returns PopularItems as JSON."""
        return await self._cache.get_or_make("popular:items", self._make, TTL_SECONDS, representation=_REPRESENTATION)

    async def _make(self) -> bytes:
        async with self._database.read() as session:
            rows = (await session.execute(most_ordered())).all()
        items = [PopularItem(item=ItemView.of(catalog.record(row[:-1])), ordered=row[-1]) for row in rows]
        return PopularItems(items=items).model_dump_json().encode()


def most_ordered() -> Select[*tuple[Any, ...]]:
    """Returns the query, which counts orders first and joins the items, of which there are many more, afterwards."""
    pieces = (
        select(OrderLine.item_id, func.sum(OrderLine.quantity).label("ordered"))
        .join(Order, Order.id == OrderLine.order_id)
        .where(Order.created_at >= now() - timedelta(days=DAYS), Order.status.in_(_COUNTED))
        .group_by(OrderLine.item_id)
        .subquery("pieces")
    )
    return (
        select(*catalog.COLUMNS, pieces.c.ordered)
        .join(pieces, pieces.c.item_id == Item.id)
        .where(FOR_SALE)
        .order_by(pieces.c.ordered.desc(), Item.created_at.desc(), Item.id.desc())
        .limit(MAX_RESULTS)
    )
