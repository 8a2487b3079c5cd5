"""Endpoints of items, version 1."""

from typing import Annotated, Final
from uuid import UUID

from fastapi import Query, Request, Response
from fastapi.responses import StreamingResponse

from app.api.contract.responses import ETAG, ID, NOT_MODIFIED, answered, refused
from app.api.dependencies import AppServices, Caller
from app.api.etags import CONDITIONAL, IfMatch, etag, seen, tagged_item
from app.api.prefix_router import Router
from app.catalog import export
from app.catalog.cached_items import V1
from app.catalog.schemas import ExportQuery, ItemChange, ItemPage, ItemQuery, ItemView, NewItem, SearchQuery
from app.csv_output import MEDIA_TYPE, with_bom
from app.orders.popular import PopularItems

router = Router(prefix="/v1/items", tags=["items"])
_READ: Final = {"get_item": {"path.item_id": ID, "header.If-None-Match": ETAG}}
_REPLACE, _CHANGE, _DELETE = (
    {name: {"path.item_id": ID, "header.If-Match": ETAG}} for name in ("replace_item", "change_item", "delete_item")
)
_CREATED: Final = _READ | _REPLACE | _CHANGE | _DELETE | {"get_item_v2": {"path.item_id": ID}}
_WRITE_REFUSALS: Final = refused(401, 403, 404, 412, 428)


# The first route, since it is requested most: FastAPI tries one route after the other.
@router.get(
    "/{item_id:uuid}",
    openapi_extra=CONDITIONAL,
    response_model=ItemView,
    summary="Get an item",
    responses=answered(200, "ETag", links=_READ | _CHANGE | _DELETE)
    | answered(304, "ETag", about=NOT_MODIFIED)
    | refused(404),
)
async def get_item(item_id: UUID, request: Request) -> Response:
    """Returns an item and its ETag."""
    return await tagged_item(request, item_id, V1)


@router.get(
    "",
    summary="List items",
    responses=answered(200, links={"get_item": {"path.item_id": "$response.body#/items/0/id"}}),
)
async def list_items(query: Annotated[ItemQuery, Query()], services: AppServices) -> ItemPage:
    """Returns one page of items, newest first by default."""
    return await services.catalog.page(query)


@router.post(
    "",
    status_code=201,
    summary="Create an item",
    responses=answered(201, "ETag", "Location", links=_CREATED) | refused(401, 409),
)
async def create_item(new: NewItem, caller: Caller, services: AppServices, response: Response) -> ItemView:
    """Creates an item for sale; 409 when its name is taken."""
    item = await services.catalog.create(caller.account_id, new)
    response.headers["Location"] = f"/api/v1/items/{item.id}"
    response.headers["ETag"] = etag(item.version)
    return ItemView.of(item)


@router.get(
    "/export",
    response_class=StreamingResponse,
    summary="Export items",
    responses=answered(200, about="CSV with one line for each item", kind="text/csv") | refused(401),
)
async def export_items(
    wanted: Annotated[ExportQuery, Query()], _caller: Caller, services: AppServices
) -> StreamingResponse:
    """Returns all matching items as CSV, oldest first. An apostrophe precedes text that a spreadsheet could execute."""
    batches = services.catalog.batches(wanted)
    first = await anext(batches)  # before the response begins, so that an outage is still a 503
    headers = {"Content-Disposition": 'attachment; filename="items.csv"', "X-Content-Type-Options": "nosniff"}
    content = export.as_csv(first, batches)
    return StreamingResponse(with_bom(content) if wanted.bom else content, media_type=MEDIA_TYPE, headers=headers)


@router.get("/search", summary="Search items")
async def search_items(query: Annotated[SearchQuery, Query()], services: AppServices) -> ItemPage:
    """Returns items for sale that contain the words, most relevant first. Words in the name rank higher."""
    return await services.catalog.search(query)


@router.get("/popular", summary="List popular items", response_model=PopularItems)
async def popular_items(services: AppServices) -> Response:
    """Returns the items for sale that were ordered most in the last 30 days, by pieces."""
    return Response(await services.popular.top(), media_type="application/json")


@router.put(
    "/{item_id:uuid}",
    summary="Replace an item",
    responses=answered(200, "ETag", links=_READ | _DELETE) | _WRITE_REFUSALS | refused(409),
)
async def replace_item(
    item_id: UUID, new: NewItem, caller: Caller, services: AppServices, response: Response, if_match: IfMatch
) -> ItemView:
    """Replaces the caller's item, including its stock. Requires If-Match, else 428; 412 when the item has changed."""
    item = await services.catalog.change(caller, item_id, new, seen(if_match))
    response.headers["ETag"] = etag(item.version)
    return ItemView.of(item)


@router.patch(
    "/{item_id:uuid}",
    summary="Change an item",
    responses=answered(200, "ETag", links=_READ | _REPLACE) | _WRITE_REFUSALS | refused(409),
)
async def change_item(
    item_id: UUID, change: ItemChange, caller: Caller, services: AppServices, response: Response, if_match: IfMatch
) -> ItemView:
    """Changes some fields of the caller's item. Requires If-Match, else 428; 412 when the item has changed."""
    item = await services.catalog.change(caller, item_id, change, seen(if_match))
    response.headers["ETag"] = etag(item.version)
    return ItemView.of(item)


@router.delete("/{item_id:uuid}", status_code=204, summary="Delete an item", responses=_WRITE_REFUSALS)
async def delete_item(item_id: UUID, caller: Caller, services: AppServices, if_match: IfMatch) -> None:
    """Deletes the caller's item. Its orders are kept, and its name can be used again."""
    await services.catalog.archive(caller, item_id, seen(if_match))
