"""Endpoints of items, version 2: lists by cursor, and money as amount and currency."""

from typing import Annotated
from uuid import UUID

from fastapi import Query, Request, Response

from app.api.contract.responses import ETAG, ID, NOT_MODIFIED, answered, refused
from app.api.dependencies import AppServices, Caller
from app.api.etags import CONDITIONAL, etag, tagged_item
from app.api.prefix_router import Router
from app.catalog.cached_items import V2
from app.catalog.schemas_v2 import ItemCursorQuery, ItemListV2, ItemViewV2, NewItemV2

router = Router(prefix="/v2/items", tags=["items"])


# The first route, since it is requested most: FastAPI tries one route after the other.
@router.get(
    "/{item_id:uuid}",
    openapi_extra=CONDITIONAL,
    response_model=ItemViewV2,
    summary="Get an item",
    responses=answered(200, "ETag") | answered(304, "ETag", about=NOT_MODIFIED) | refused(404),
    operation_id="get_item_v2",
)
async def get_item(item_id: UUID, request: Request) -> Response:
    """Returns an item and its ETag."""
    return await tagged_item(request, item_id, V2)


@router.get(
    "",
    operation_id="list_items_v2",
    summary="List items",
    responses=answered(
        200,
        links={
            "list_items_v2": {"query.cursor": "$response.body#/next_cursor"},
            "get_item_v2": {"path.item_id": "$response.body#/items/0/id"},
        },
    )
    | refused(400),
)
async def list_items(query: Annotated[ItemCursorQuery, Query()], services: AppServices) -> ItemListV2:
    """Returns the items after a cursor, newest first by default. Every page costs as much as the first."""
    items, cursor = await services.catalog.part(query)
    return ItemListV2(items=[ItemViewV2.of(item) for item in items], next_cursor=cursor)


@router.post(
    "",
    status_code=201,
    operation_id="create_item_v2",
    summary="Create an item",
    responses=answered(
        201,
        "ETag",
        "Location",
        links={
            "get_item_v2": {"path.item_id": ID, "header.If-None-Match": ETAG},
            "get_item": {"path.item_id": ID},
        },
    )
    | refused(401, 409),
)
async def create_item(new: NewItemV2, caller: Caller, services: AppServices, response: Response) -> ItemViewV2:
    """Creates an item for sale; 409 when its name is taken."""
    item = await services.catalog.create(caller.account_id, new.item())
    response.headers["Location"] = f"/api/v2/items/{item.id}"
    response.headers["ETag"] = etag(item.version, V2.tag)
    return ItemViewV2.of(item)
