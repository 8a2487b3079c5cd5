"""Queries for lists of items, by page number and by cursor.

A statement is built once for each kind of list and then only gets its values: to build it takes longer than to run it.
"""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Column, ColumnElement, Integer, Select, Text, bindparam, func, literal, select, tuple_

from app.catalog.for_sale import STATES
from app.catalog.models import ITEMS, ItemRecord
from app.catalog.repository import COLUMNS, record
from app.catalog.schemas import ItemFilter, Sort
from app.catalog.schemas_v2 import CursorSort
from app.infra.database import Reads
from app.money import to_minor
from app.text import lookalikes
from app.text.folding import ESCAPE, containing, folded

MAX_COUNTED: Final = 10_000
_KINDS: Final = 256
_SORTED_BY: Final[Mapping[str, Column[Any]]] = {
    "created_at": ITEMS.c.created_at,
    "price": ITEMS.c.price_minor,
    "name": ITEMS.c.name_key,
}
_CONDITIONS: Final[Mapping[str, ColumnElement[bool]]] = {
    **STATES,
    # An item whose name was taken before names became unique has no key.
    "search": func.coalesce(ITEMS.c.name_key, folded(ITEMS.c.name)).like(
        bindparam("search", type_=Text), escape=ESCAPE
    ),
    "min_price": ITEMS.c.price_minor >= bindparam("min_price"),
    "max_price": ITEMS.c.price_minor <= bindparam("max_price"),
    "currency": ITEMS.c.currency == bindparam("currency"),
    "owner_id": ITEMS.c.owner_id == bindparam("owner_id"),
}
_LIMIT: Final = bindparam("limit", type_=Integer)
_OFFSET: Final = bindparam("offset", type_=Integer)


async def page(
    session: Reads, wanted: ItemFilter, sort: Sort, *, offset: int, limit: int
) -> tuple[list[ItemRecord], int]:
    """Returns the items of one page, and the number of matches, at most MAX_COUNTED (docs/decisions/0014-totals.md).

    Takes one round trip, and a second one for a page beyond the end.
    """
    values = _values(wanted)
    given = frozenset({wanted.status, *values})
    values["most"] = MAX_COUNTED
    rows = (await session.execute(_page(sort, given), {**values, "offset": offset, "limit": limit})).all()
    if not rows:
        return [], (await session.execute(_count(given), values)).scalar_one() if offset else 0
    return [record(row[:-1]) for row in rows], rows[0][-1]


async def part(
    session: Reads, wanted: ItemFilter, sort: CursorSort, *, after: tuple[Any, UUID] | None, limit: int
) -> list[ItemRecord]:
    """Returns items after a position, which is a value of the sorted column and an id. Every page costs the same."""
    values = _values(wanted)
    query = _part(sort, frozenset({wanted.status, *values}), beyond=after is not None)
    if after is not None:
        values["after"], values["after_id"] = after
    return [record(row) for row in (await session.execute(query, {**values, "limit": limit})).all()]


def _values(wanted: ItemFilter) -> dict[str, Any]:
    """Returns the values of the given filters by condition."""
    values: dict[str, Any] = {}
    if wanted.search:
        values["search"] = containing(lookalikes.key(wanted.search))
    for name in ("min_price", "max_price"):
        price = getattr(wanted, name)
        if price is not None:
            values[name] = to_minor(price)
    for name in ("currency", "owner_id"):
        if getattr(wanted, name) is not None:
            values[name] = getattr(wanted, name)
    return values


@lru_cache(_KINDS)
def _page(sort: Sort, given: frozenset[str]) -> Select[*tuple[Any, ...]]:
    query = select(*COLUMNS, _count(given).scalar_subquery()).where(*_conditions(given))
    return _sorted(query, sort).offset(_OFFSET).limit(_LIMIT)


@lru_cache(_KINDS)
def _count(given: frozenset[str]) -> Select[int]:
    some = select(literal(1)).select_from(ITEMS).where(*_conditions(given)).limit(bindparam("most", type_=Integer))
    return select(func.count()).select_from(some.subquery())


@lru_cache(_KINDS)
def _part(sort: CursorSort, given: frozenset[str], *, beyond: bool) -> Select[*tuple[Any, ...]]:
    query = _sorted(select(*COLUMNS).where(*_conditions(given)), sort).limit(_LIMIT)
    if not beyond:
        return query
    column = _SORTED_BY[sort.removeprefix("-")]
    here = tuple_(column, ITEMS.c.id)
    there = tuple_(bindparam("after", type_=column.type), bindparam("after_id", type_=ITEMS.c.id.type))
    return query.where(here < there if sort.startswith("-") else here > there)


def _conditions(given: frozenset[str]) -> list[ColumnElement[bool]]:
    return [condition for name, condition in _CONDITIONS.items() if name in given]


def _sorted(query: Select[*tuple[Any, ...]], sort: Sort | CursorSort) -> Select[*tuple[Any, ...]]:
    # The id is sorted in the same direction, so that one index serves both.
    columns = (_SORTED_BY[sort.removeprefix("-")], ITEMS.c.id)
    return query.order_by(*(column.desc() for column in columns) if sort.startswith("-") else columns)
