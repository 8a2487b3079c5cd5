"""The catalogue."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Response

from app.api.dependencies import Caller, CatalogService
from app.catalog.schemas import ItemPage, ItemQuery, ItemView, NewItem

router = APIRouter(prefix="/items", tags=["items"])


@router.get("")
async def list_items(query: Annotated[ItemQuery, Query()], catalog: CatalogService) -> ItemPage:
    """One page of items, newest first."""
    return await catalog.page(query)


@router.post("", status_code=201)
async def create_item(new: NewItem, caller: Caller, catalog: CatalogService, response: Response) -> ItemView:
    """Puts an item up for sale."""
    item = await catalog.create(caller.account_id, new)
    response.headers["Location"] = f"/api/v1/items/{item.id}"
    return item


@router.get("/{item_id}")
async def get_item(item_id: UUID, catalog: CatalogService) -> ItemView:
    """One item."""
    return await catalog.get(item_id)
