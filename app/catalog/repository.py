"""Queries on items. Reads give rows, not entities: nothing is tracked and nothing is loaded later."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ColumnElement, RowMapping, Select, func, insert, literal, or_, select, tuple_, update
from sqlalchemy.orm import InstrumentedAttribute

from app.catalog.models import Item
from app.catalog.records import ItemRecord
from app.catalog.schemas import ItemFilter, Sort
from app.catalog.schemas_v2 import CursorSort
from app.infra.database import ReadSession, WriteSession
from app.infra.orm import now
from app.money import to_minor

_COLUMNS = (
    Item.id,
    Item.owner_id,
    Item.name,
    Item.description,
    Item.price_minor,
    Item.currency,
    Item.stock,
    Item.status,
    Item.ends_at,
    Item.version,
    Item.created_at,
)
_SORTED_BY: Final[Mapping[str, InstrumentedAttribute[Any]]] = {
    "created_at": Item.created_at,
    "price": Item.price_minor,
    "name": Item.name_key,
}


async def get(session: ReadSession, item_id: UUID) -> ItemRecord | None:
    row = (await session.execute(select(*_COLUMNS).where(Item.id == item_id, Item.status != "archived"))).one_or_none()
    return _record(row) if row is not None else None


async def page(
    session: ReadSession, wanted: ItemFilter, sort: Sort, *, offset: int, limit: int
) -> tuple[list[ItemRecord], int]:
    """The items of one page and the number of all that match, in one round trip unless the page is beyond the end."""
    conditions = matching(wanted)
    count = select(func.count()).select_from(Item).where(*conditions)
    query = _sorted(select(*_COLUMNS, count.scalar_subquery()), sort).where(*conditions).offset(offset).limit(limit)
    rows = (await session.execute(query)).all()
    if not rows:
        return [], (await session.execute(count)).scalar_one() if offset else 0
    return [_record(row[:-1]) for row in rows], rows[0][-1]


async def part(
    session: ReadSession, wanted: ItemFilter, sort: CursorSort, *, after: tuple[Any, UUID] | None, limit: int
) -> list[ItemRecord]:
    """Items beyond a position, which is the sorted column's value and the id: as cheap far down as at the top."""
    query = _sorted(select(*_COLUMNS), sort).where(*matching(wanted)).limit(limit)
    if after is not None:
        column = _SORTED_BY[sort.removeprefix("-")]
        here, there = tuple_(column, Item.id), tuple_(literal(after[0], column.type), literal(after[1], Item.id.type))
        query = query.where(here < there if sort.startswith("-") else here > there)
    return [_record(row) for row in (await session.execute(query)).all()]


async def add(session: WriteSession, values: Mapping[str, Any]) -> ItemRecord:
    """Raises IntegrityError when the name is taken or the owner does not exist."""
    return _record((await session.execute(insert(Item).values(**values).returning(*_COLUMNS))).one())


async def change(
    session: WriteSession,
    item_id: UUID,
    values: Mapping[str, Any],
    *,
    owner_id: UUID | None,
    versions: Collection[int] | None,
) -> ItemRecord | None:
    """The item after the change; None unless it is this owner's and at one of these versions (None: any)."""
    conditions = [Item.id == item_id, Item.status != "archived"]
    if owner_id is not None:
        conditions.append(Item.owner_id == owner_id)
    if versions is not None:
        conditions.append(Item.version.in_(versions))
    statement = (
        update(Item)
        .where(*conditions)
        .values(**values, version=Item.version + 1)
        .returning(*_COLUMNS)
        .execution_options(synchronize_session=False)
    )
    row = (await session.execute(statement)).one_or_none()
    return _record(row) if row is not None else None


async def take_stock(session: WriteSession, item_id: UUID, quantity: int) -> RowMapping | None:
    """Takes pieces off the stock in one statement; None when there are not enough, or no such item is sold now."""
    statement = (
        update(Item)
        .where(Item.id == item_id, Item.stock >= quantity, Item.status == "active", _not_over(now()))
        .values(stock=Item.stock - quantity, version=Item.version + 1)
        .returning(Item.price_minor, Item.currency)
        .execution_options(synchronize_session=False)
    )
    return (await session.execute(statement)).mappings().one_or_none()


async def give_back_stock(session: WriteSession, quantities: Mapping[UUID, int]) -> None:
    for item_id in sorted(quantities):  # one order for all, so that two transactions can't wait for each other
        await session.execute(
            update(Item)
            .where(Item.id == item_id)
            .values(stock=Item.stock + quantities[item_id], version=Item.version + 1)
            .execution_options(synchronize_session=False)
        )


def matching(wanted: ItemFilter) -> Sequence[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = [Item.status == wanted.status]
    if wanted.search:
        conditions.append(Item.name.icontains(wanted.search, autoescape=True))
    if wanted.min_price is not None:
        conditions.append(Item.price_minor >= to_minor(wanted.min_price))
    if wanted.max_price is not None:
        conditions.append(Item.price_minor <= to_minor(wanted.max_price))
    if wanted.currency is not None:
        conditions.append(Item.currency == wanted.currency)
    if wanted.owner_id is not None:
        conditions.append(Item.owner_id == wanted.owner_id)
    return conditions


def _record(row: Sequence[Any]) -> ItemRecord:
    return ItemRecord(*row)


def _sorted(query: Select[*tuple[Any, ...]], sort: Sort | CursorSort) -> Select[*tuple[Any, ...]]:
    column = _SORTED_BY[sort.removeprefix("-")]
    # The id goes the same way, so that an index over both serves either direction.
    return query.order_by(column.desc(), Item.id.desc()) if sort.startswith("-") else query.order_by(column, Item.id)


def _not_over(moment: datetime) -> ColumnElement[bool]:
    return or_(Item.ends_at.is_(None), Item.ends_at > moment)
