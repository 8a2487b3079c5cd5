"""What can be done with items."""

from uuid import UUID

from sqlalchemy import RowMapping

from app.accounts.service import of_existing_account
from app.catalog import repository
from app.catalog.models import Item
from app.catalog.schemas import ItemPage, ItemQuery, ItemView, NewItem
from app.errors import NotFoundError
from app.infra.database import Database
from app.money import to_major, to_minor


class ItemNotFoundError(NotFoundError):
    code = "item_not_found"


class Catalog:
    """The catalogue of items."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def create(self, owner_id: UUID, new: NewItem) -> ItemView:
        item = Item(
            owner_id=owner_id,
            name=new.name,
            description=new.description,
            price_minor=to_minor(new.price),
            currency=new.currency,
            stock=new.stock,
        )
        with of_existing_account():
            async with self._database.write() as session:
                session.add(item)
        return ItemView(
            id=item.id,
            owner_id=item.owner_id,
            name=item.name,
            description=item.description,
            price=to_major(item.price_minor),
            currency=item.currency,
            stock=item.stock,
            created_at=item.created_at,
        )

    async def get(self, item_id: UUID) -> ItemView:
        """Raises ItemNotFoundError."""
        async with self._database.read() as session:
            row = await repository.get(session, item_id)
        if row is None:
            raise ItemNotFoundError("There is no such item.")
        return _view(row)

    async def page(self, query: ItemQuery) -> ItemPage:
        async with self._database.read() as session:
            rows, total = await repository.page(session, offset=query.offset, limit=query.per_page, search=query.search)
        return ItemPage(items=[_view(row) for row in rows], page=query.page, per_page=query.per_page, total=total)


def _view(row: RowMapping) -> ItemView:
    fields = dict(row)
    return ItemView(price=to_major(fields.pop("price_minor")), **fields)
