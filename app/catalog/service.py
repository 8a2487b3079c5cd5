"""Operations on items."""

from collections.abc import AsyncIterator, Collection, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy.exc import IntegrityError

from app.accounts.access_tokens import Identity
from app.accounts.authentication import of_existing_account
from app.accounts.permissions import Permission, allows
from app.catalog import list_queries, repository, search
from app.catalog.errors import ItemChangedError, ItemNotFoundError, NameTakenError, NotYourItemError
from app.catalog.models import ItemRecord
from app.catalog.schemas import ItemChange, ItemFilter, ItemPage, ItemQuery, ItemView, NewItem, SearchQuery
from app.catalog.schemas_v2 import ItemCursorQuery
from app.infra.cursors import Cursors
from app.infra.database import Database, Reads
from app.infra.event_bus import Events
from app.money import to_minor
from app.schemas import PageQuery
from app.text import lookalikes

BATCH: Final = 500


class Catalog:
    """The catalogue of items. Owners change their own items, moderators any.

    Items are public, so changing another owner's item is forbidden rather than not found. `versions` are those that the
    caller has seen; None accepts any.
    """

    def __init__(self, database: Database, events: Events, cursors: Cursors) -> None:
        self._database = database
        self._events = events
        self._cursors = cursors

    async def create(self, owner_id: UUID, new: NewItem) -> ItemRecord:
        """Adds an item. Raises NameTakenError."""
        with of_existing_account(), _unique_name():
            async with self._database.write() as session:
                return await repository.add(session, {"owner_id": owner_id, **_columns(new.model_dump())})

    async def get(self, item_id: UUID) -> ItemRecord:
        """Returns an item. Raises ItemNotFoundError."""
        async with self._database.rows() as session:
            return await _existing(session, item_id)

    async def page(self, query: ItemQuery) -> ItemPage:
        async with self._database.rows() as session:
            items, total = await list_queries.page(
                session, query, query.sort, offset=query.offset, limit=query.per_page
            )
        return _page(query, items, total, list_queries.MAX_COUNTED)

    async def search(self, query: SearchQuery) -> ItemPage:
        """Returns items for sale that match, most relevant first."""
        async with self._database.read() as session:
            items, total = await search.page(session, query.q, offset=query.offset, limit=query.per_page)
        return _page(query, items, total, search.MAX_RANKED)

    async def part(self, query: ItemCursorQuery) -> tuple[list[ItemRecord], str | None]:
        """Returns the items after a query's cursor, and the next cursor. Raises InvalidCursorError."""
        after = None
        if query.cursor is not None:
            value, item_id = self._cursors.open(query.cursor, query.fingerprint)
            after = (int(value) if _by_price(query) else datetime.fromisoformat(value), UUID(item_id))
        async with self._database.rows() as session:
            items = await list_queries.part(session, query, query.sort, after=after, limit=query.limit + 1)
        if len(items) <= query.limit:
            return items, None
        last = items[query.limit - 1]
        value = str(last.price_minor) if _by_price(query) else last.created_at.isoformat()
        return items[:-1], self._cursors.seal((value, str(last.id)), query.fingerprint)

    async def batches(self, wanted: ItemFilter) -> AsyncIterator[list[ItemRecord]]:
        """Yields all items that match, oldest first, in at least one batch. Holds no connection between batches."""
        after = None
        while True:
            async with self._database.rows() as session:
                items = await list_queries.part(session, wanted, "created_at", after=after, limit=BATCH)
            yield items
            if len(items) < BATCH:
                return
            after = (items[-1].created_at, items[-1].id)

    async def change(
        self, who: Identity, item_id: UUID, change: ItemChange | NewItem, versions: Collection[int] | None
    ) -> ItemRecord:
        """Sets the given fields, or all. Raises NameTakenError and the errors of `_write`."""
        with _unique_name():
            values = change.model_dump(exclude_unset=isinstance(change, ItemChange))
            return await self._write(who, item_id, _columns(values), versions)

    async def archive(self, who: Identity, item_id: UUID, versions: Collection[int] | None) -> None:
        """Removes an item from the catalogue: frees its name and keeps its orders. Raises the errors of `_write`."""
        await self._write(who, item_id, {"status": "archived", "name_key": None}, versions)

    async def _write(
        self, who: Identity, item_id: UUID, values: Mapping[str, Any], versions: Collection[int] | None
    ) -> ItemRecord:
        """Changes an item, in one statement. Raises ItemNotFoundError, NotYourItemError and ItemChangedError."""
        owner_id = None if allows(who.role, Permission.ITEMS_WRITE_ANY) else who.account_id
        async with self._database.write() as session:
            item = await repository.change(session, self._events, item_id, values, owner_id=owner_id, versions=versions)
            if item is None:
                found = await _existing(session, item_id)
                if owner_id not in (None, found.owner_id):
                    raise NotYourItemError("This item is somebody else's; its owner or a moderator may change it.")
                raise ItemChangedError("The item has changed since; read it again and send its ETag as If-Match.")
        return item


async def _existing(session: Reads, item_id: UUID) -> ItemRecord:
    item = await repository.get(session, item_id)
    if item is None:
        raise ItemNotFoundError("There is no such item.")
    return item


def _page(query: PageQuery, items: list[ItemRecord], total: int, most: int) -> ItemPage:
    return ItemPage(
        items=[ItemView.of(item) for item in items],
        page=query.page,
        per_page=query.per_page,
        total=total,
        total_is_exact=total < most,
    )


def _by_price(query: ItemCursorQuery) -> bool:
    return query.sort in ("price", "-price")


def _columns(fields: dict[str, Any]) -> dict[str, Any]:
    if "price" in fields:
        fields["price_minor"] = to_minor(fields.pop("price"))
    if "name" in fields:
        fields["name_key"] = lookalikes.key(fields["name"])
    return fields


@contextmanager
def _unique_name() -> Iterator[None]:
    try:
        yield
    except IntegrityError as error:
        if "name_key" not in str(error.orig):
            raise
        raise NameTakenError("Another item has this name; choose another.") from error
