"""Statements on items. Reads return rows instead of entities: nothing is tracked, and nothing is loaded later."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final
from uuid import UUID

from sqlalchemy import bindparam, insert, select, update

from app.catalog.for_sale import EXISTS
from app.catalog.models import ITEMS, Item, ItemRecord
from app.events import ItemChanged
from app.infra.database import Reads, WriteSession
from app.infra.event_bus import Events

COLUMNS: Final = tuple(ITEMS.c[name] for name in ItemRecord._fields)
_ONE: Final = select(*COLUMNS).where(ITEMS.c.id == bindparam("item_id"), EXISTS)


async def get(session: Reads, item_id: UUID) -> ItemRecord | None:
    row = (await session.execute(_ONE, {"item_id": item_id})).one_or_none()
    return record(row) if row is not None else None


async def add(session: WriteSession, values: Mapping[str, Any]) -> ItemRecord:
    """Inserts an item. Raises IntegrityError when the name is taken or the owner does not exist."""
    return record((await session.execute(insert(Item).values(**values).returning(*COLUMNS))).one())


async def change(
    session: WriteSession,
    events: Events,
    item_id: UUID,
    values: Mapping[str, Any],
    *,
    owner_id: UUID | None,
    versions: Collection[int] | None,
) -> ItemRecord | None:
    """Updates an item of this owner at one of these versions (None: any) and returns it; None when no item matches."""
    conditions = [Item.id == item_id, EXISTS]
    if owner_id is not None:
        conditions.append(Item.owner_id == owner_id)
    if versions is not None:
        conditions.append(Item.version.in_(versions))
    statement = update(Item).where(*conditions).values(**values, version=Item.version + 1).returning(*COLUMNS)
    row = (await session.execute(statement)).one_or_none()
    if row is None:
        return None
    events.record(session, ItemChanged(item_id))
    return record(row)


async def give_back_stock(session: WriteSession, events: Events, quantities: Mapping[UUID, int]) -> None:
    for item_id in sorted(quantities):  # one lock order for all prevents deadlocks
        await session.execute(
            update(Item)
            .where(Item.id == item_id)
            .values(stock=Item.stock + quantities[item_id], version=Item.version + 1)
        )
        events.record(session, ItemChanged(item_id))


def record(row: Sequence[Any]) -> ItemRecord:
    return ItemRecord._make(row)
