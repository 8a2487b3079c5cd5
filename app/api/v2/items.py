"""The catalogue, by cursor and with money as amount and currency."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Response

from app.api.dependencies import Caller, CatalogService
from app.api.etags import IfNoneMatch, etag, known
from app.api.responses import documented
from app.catalog.schemas_v2 import ItemCursorQuery, ItemListV2, ItemViewV2, NewItemV2

router = APIRouter(prefix="/items", tags=["items"])

_FORM = "-v2"


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
    response.headers["ETag"] = etag(item.version, _FORM)
    return ItemViewV2.of(item)


@router.get(
    "/{item_id}",
    response_model=ItemViewV2,
    responses={304: {"description": "Unchanged since the ETag in If-None-Match"}, **documented(404)},
    operation_id="get_item_v2",
)
async def get_item(
    item_id: UUID, catalog: CatalogService, response: Response, if_none_match: IfNoneMatch = None
) -> Any:
    """One item, and its ETag."""
    item = await catalog.get(item_id)
    tag = etag(item.version, _FORM)
    if known(if_none_match, tag):
        return Response(status_code=304, headers={"ETag": tag})
    response.headers["ETag"] = tag
    return ItemViewV2.of(item)
