"""Endpoints of items, version 1."""

from typing import Annotated, Final
from uuid import UUID

from fastapi import Query, Request, Response
from fastapi.responses import StreamingResponse

from app.api.contract.responses import ETAG, ID, NOT_MODIFIED, answered, refused
from app.api.dependencies import Caller, CatalogService, PopularService
from app.api.etags import CONDITIONAL, IfMatch, etag, seen, tagged_item
from app.api.prefix_router import Router
from app.catalog import export
from app.catalog.cached_items import V1
from app.catalog.schemas import ExportQuery, ItemChange, ItemPage, ItemQuery, ItemView, NewItem, SearchQuery
from app.csv_files import MEDIA_TYPE, with_bom
from app.orders.popular import PopularItems

router = Router(prefix="/v1/items", tags=["items"])
_READ: Final = {"get_item": {"path.item_id": ID, "header.If-None-Match": ETAG}}
_REPLACE, _CHANGE, _DELETE = (
    {name: {"path.item_id": ID, "header.If-Match": ETAG}} for name in ("replace_item", "change_item", "delete_item")
)
_CREATED: Final = _READ | _REPLACE | _CHANGE | _DELETE | {"get_item_v2": {"path.item_id": ID}}
_WRITE_REFUSALS: Final = refused(401, 403, 404, 412, 428)


# First, since it is requested most: the framework tries one route after the other.
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
    """One item, and its ETag."""
    return await tagged_item(request, item_id, V1)


@router.get(
    "",
    summary="List items",
    responses=answered(200, links={"get_item": {"path.item_id": "$response.body#/items/0/id"}}),
)
async def list_items(query: Annotated[ItemQuery, Query()], catalog: CatalogService) -> ItemPage:
    """One page of items, newest first unless sorted otherwise."""
    return await catalog.page(query)


@router.post(
    "",
    status_code=201,
    summary="Create an item",
    responses=answered(201, "ETag", "Location", links=_CREATED) | refused(401, 409),
)
async def create_item(new: NewItem, caller: Caller, catalog: CatalogService, response: Response) -> ItemView:
    """Puts an item up for sale; 409 when its name is taken."""
    item = await catalog.create(caller.account_id, new)
    response.headers["Location"] = f"/api/v1/items/{item.id}"
    response.headers["ETag"] = etag(item.version)
    return ItemView.of(item)


@router.get(
    "/export",
    response_class=StreamingResponse,
    summary="Export items",
    responses=answered(200, about="One line an item", kind="text/csv") | refused(401),
)
async def export_items(
    wanted: Annotated[ExportQuery, Query()], _caller: Caller, catalog: CatalogService
) -> StreamingResponse:
    """All items that match as CSV, oldest first; what could be a formula begins with an apostrophe."""
    batches = catalog.batches(wanted)
    first = await anext(batches)  # an outage can still be answered as one here
    headers = {"Content-Disposition": 'attachment; filename="items.csv"', "X-Content-Type-Options": "nosniff"}
    content = export.as_csv(first, batches)
    return StreamingResponse(with_bom(content) if wanted.bom else content, media_type=MEDIA_TYPE, headers=headers)


@router.get("/search", summary="Search items")
async def search_items(query: Annotated[SearchQuery, Query()], catalog: CatalogService) -> ItemPage:
    """Items for sale by their words, most relevant first; a word of the name weighs more than another."""
    return await catalog.search(query)


@router.get("/popular", summary="List popular items", response_model=PopularItems)
async def popular_items(popular: PopularService) -> Response:
    """The items for sale that were ordered most in the last 30 days, most pieces first."""
    return Response(await popular.top(), media_type="application/json")


@router.put(
    "/{item_id:uuid}",
    summary="Replace an item",
    responses=answered(200, "ETag", links=_READ | _DELETE) | _WRITE_REFUSALS | refused(409),
)
async def replace_item(
    item_id: UUID, new: NewItem, caller: Caller, catalog: CatalogService, response: Response, if_match: IfMatch
) -> ItemView:
    """Replaces one's own item, its stock included: hence If-Match is required (428), and a lost update is 412."""
    item = await catalog.change(caller, item_id, new, seen(if_match))
    response.headers["ETag"] = etag(item.version)
    return ItemView.of(item)


@router.patch(
    "/{item_id:uuid}",
    summary="Change an item",
    responses=answered(200, "ETag", links=_READ | _REPLACE) | _WRITE_REFUSALS | refused(409),
)
async def change_item(
    item_id: UUID,
    change: ItemChange,
    caller: Caller,
    catalog: CatalogService,
    response: Response,
    if_match: IfMatch,
) -> ItemView:
    """Changes some fields of one's own item; as PUT otherwise."""
    item = await catalog.change(caller, item_id, change, seen(if_match))
    response.headers["ETag"] = etag(item.version)
    return ItemView.of(item)


@router.delete("/{item_id:uuid}", status_code=204, summary="Delete an item", responses=_WRITE_REFUSALS)
async def delete_item(item_id: UUID, caller: Caller, catalog: CatalogService, if_match: IfMatch) -> None:
    """Takes one's own item out of the catalogue. Orders of it stay as they are, and its name is free again."""
    await catalog.archive(caller, item_id, seen(if_match))
