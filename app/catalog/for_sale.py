"""Defines once when an item is for sale: for lists, search, popular items, the export and orders."""

from collections.abc import Mapping
from typing import Final, NoReturn
from uuid import UUID

from sqlalchemy import ColumnElement, RowMapping, and_, bindparam, not_, select, update

from app.catalog.errors import ItemEndedError, ItemNotFoundError, ItemWithdrawnError, OutOfStockError
from app.catalog.models import ITEMS, Item
from app.events import ItemChanged
from app.infra.database import WriteSession
from app.infra.database.orm import UtcDateTime, now
from app.infra.event_bus import Events

_NOW: Final = bindparam("now", type_=UtcDateTime(), callable_=now)  # evaluated at each execution
_ENDED: Final = and_(ITEMS.c.ends_at.is_not(None), ITEMS.c.ends_at <= _NOW)
EXISTS: Final[ColumnElement[bool]] = ITEMS.c.status != "archived"
# Each item that exists is in exactly one of these states.
STATES: Final[Mapping[str, ColumnElement[bool]]] = {
    "active": and_(ITEMS.c.status == "active", not_(_ENDED)),
    "paused": and_(ITEMS.c.status == "paused", not_(_ENDED)),
    "ended": and_(EXISTS, _ENDED),
}
FOR_SALE: Final = STATES["active"]


async def take(session: WriteSession, events: Events, item_id: UUID, quantity: int) -> RowMapping:
    """Takes pieces off the stock in one statement. Returns `price_minor` of one piece and `currency`.

    Raises ItemNotFoundError, ItemWithdrawnError, ItemEndedError and OutOfStockError.
    """
    statement = (
        update(Item)
        .where(ITEMS.c.id == item_id, FOR_SALE, ITEMS.c.stock >= quantity)
        .values(stock=ITEMS.c.stock - quantity, version=ITEMS.c.version + 1)
        .returning(ITEMS.c.price_minor, ITEMS.c.currency)
    )
    row = (await session.execute(statement)).mappings().one_or_none()
    if row is None:
        await _refuse(session, item_id, quantity)
    events.record(session, ItemChanged(item_id))
    return row


async def _refuse(session: WriteSession, item_id: UUID, quantity: int) -> NoReturn:
    states = [condition.label(state) for state, condition in STATES.items()]
    query = select(*states).where(ITEMS.c.id == item_id, EXISTS)
    found = (await session.execute(query)).mappings().one_or_none()
    if found is None:
        raise ItemNotFoundError(f"There is no item {item_id}.")
    if found["ended"]:
        raise ItemEndedError(f"The sale of item {item_id} has ended.")
    if found["paused"]:
        raise ItemWithdrawnError(f"Item {item_id} is not for sale for now: its owner has paused it.")
    raise OutOfStockError(f"There are not {quantity} pieces of item {item_id}.")
