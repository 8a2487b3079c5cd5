"""The catalogue, by cursor and with money as amount and currency."""

from typing import Annotated
from uuid import UUID

from fastapi import Query, Request, Response

from app.api import one_item
from app.api.dependencies import Caller, CatalogService
from app.api.etags import CONDITIONAL, etag
from app.api.prefix_router import Router
from app.api.responses import documented
from app.catalog.schemas_v2 import ItemCursorQuery, ItemListV2, ItemViewV2, NewItemV2

router = Router(prefix="/v2/items", tags=["items"])


# First, since it is asked for most: the framework tries one route after the other.
@router.get(
    "/{item_id:uuid}",
    openapi_extra=CONDITIONAL,
    response_model=ItemViewV2,
    responses={304: {"description": "Unchanged since the ETag in If-None-Match"}, **documented(404)},
    operation_id="get_item_v2",
)
async def get_item(item_id: UUID, request: Request) -> Response:
    """One item, and its ETag."""
    return await one_item.answer(request, item_id, one_item.V2)


@router.get("", responses=documented(400), operation_id="list_items_v2")
async def list_items(query: Annotated[ItemCursorQuery, Query()], catalog: CatalogService) -> ItemListV2:
    """Items from a cursor on, newest first unless sorted otherwise. Any page costs what the first one does."""
    items, cursor = await catalog.part(query)
    return ItemListV2(items=[ItemViewV2.of(item) for item in items], next_cursor=cursor)


@router.post("", status_code=201, responses=documented(401, 409), operation_id="create_item_v2")
async def create_item(new: NewItemV2, caller: Caller, catalog: CatalogService, response: Response) -> ItemViewV2:
    """Puts an item up for sale; 409 when its name is taken."""
    item = await catalog.create(caller.account_id, new.item())
    response.headers["Location"] = f"/api/v2/items/{item.id}"
    response.headers["ETag"] = etag(item.version, one_item.V2.tag)
    return ItemViewV2.of(item)
