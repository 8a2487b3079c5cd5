"""Queries on items. Reads give rows, not entities: nothing is tracked and nothing is loaded later."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import RowMapping, Select, func, select, update

from app.catalog.models import Item
from app.infra.database import ReadSession, WriteSession

_COLUMNS = (
    Item.id,
    Item.owner_id,
    Item.name,
    Item.description,
    Item.price_minor,
    Item.currency,
    Item.stock,
    Item.created_at,
)


async def get(session: ReadSession, item_id: UUID) -> RowMapping | None:
    return (await session.execute(select(*_COLUMNS).where(Item.id == item_id))).mappings().one_or_none()


async def page(
    session: ReadSession, *, offset: int, limit: int, search: str | None
) -> tuple[Sequence[RowMapping], int]:
    """The rows of one page and the number of all that match."""
    rows = _matching(select(*_COLUMNS), search).order_by(Item.created_at.desc(), Item.id).offset(offset).limit(limit)
    count = _matching(select(func.count()).select_from(Item), search)
    return (await session.execute(rows)).mappings().all(), (await session.execute(count)).scalar_one()


async def take_stock(session: WriteSession, item_id: UUID, quantity: int) -> RowMapping | None:
    """Takes pieces off the stock in one statement; None when there are not enough, or no such item."""
    statement = (
        update(Item)
        .where(Item.id == item_id, Item.stock >= quantity)
        .values(stock=Item.stock - quantity)
        .returning(Item.price_minor, Item.currency)
        .execution_options(synchronize_session=False)
    )
    return (await session.execute(statement)).mappings().one_or_none()


async def give_back_stock(session: WriteSession, quantities: Mapping[UUID, int]) -> None:
    for item_id in sorted(quantities):  # one order for all, so that two transactions can't wait for each other
        await session.execute(
            update(Item)
            .where(Item.id == item_id)
            .values(stock=Item.stock + quantities[item_id])
            .execution_options(synchronize_session=False)
        )


def _matching(query: Select[*tuple[Any, ...]], search: str | None) -> Select[*tuple[Any, ...]]:
    return query.where(Item.name.icontains(search, autoescape=True)) if search else query
