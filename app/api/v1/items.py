"""The catalogue."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import Query, Request, Response
from fastapi.responses import StreamingResponse

from app.api import one_item
from app.api.dependencies import Caller, CatalogService, PopularService
from app.api.etags import CONDITIONAL, IfMatch, etag, seen
from app.api.prefix_router import Router
from app.api.responses import documented
from app.catalog import export
from app.catalog.schemas import ExportQuery, ItemChange, ItemPage, ItemQuery, ItemView, NewItem, SearchQuery
from app.csv_files import marked
from app.orders.popular import PopularItems

router = Router(prefix="/v1/items", tags=["items"])


# First, since it is asked for most: the framework tries one route after the other.
@router.get(
    "/{item_id:uuid}",
    openapi_extra=CONDITIONAL,
    response_model=ItemView,
    responses={304: {"description": "Unchanged since the ETag in If-None-Match"}, **documented(404)},
)
async def get_item(item_id: UUID, request: Request) -> Response:
    """One item, and its ETag."""
    return await one_item.answer(request, item_id, one_item.V1)


@router.get("")
async def list_items(query: Annotated[ItemQuery, Query()], catalog: CatalogService) -> ItemPage:
    """One page of items, newest first unless sorted otherwise."""
    return await catalog.page(query)


@router.post("", status_code=201, responses=documented(401, 409))
async def create_item(new: NewItem, caller: Caller, catalog: CatalogService, response: Response) -> ItemView:
    """Puts an item up for sale; 409 when its name is taken."""
    item = await catalog.create(caller.account_id, new)
    response.headers["Location"] = f"/api/v1/items/{item.id}"
    response.headers["ETag"] = etag(item.version)
    return ItemView.of(item)


@router.get(
    "/export",
    response_class=StreamingResponse,
    responses={200: {"description": "One line an item", "content": {"text/csv": {}}}, **documented(401)},
)
async def export_items(
    wanted: Annotated[ExportQuery, Query()], _caller: Caller, catalog: CatalogService
) -> StreamingResponse:
    """All items that match as CSV, oldest first; what could be a formula begins with an apostrophe."""
    batches = catalog.batches(wanted)
    first = await anext(batches)  # while an outage can still be answered as one
    headers = {"Content-Disposition": 'attachment; filename="items.csv"', "X-Content-Type-Options": "nosniff"}
    content = export.as_csv(first, batches)
    return StreamingResponse(marked(content) if wanted.bom else content, media_type=export.MEDIA_TYPE, headers=headers)


@router.get("/search")
async def search_items(query: Annotated[SearchQuery, Query()], catalog: CatalogService) -> ItemPage:
    """Items for sale by their words, most relevant first; a word of the name weighs more than another."""
    return await catalog.search(query)


@router.get("/popular", response_model=PopularItems)
async def popular_items(popular: PopularService) -> Response:
    """The items for sale that were ordered most in the last 30 days, most pieces first."""
    return Response(await popular.top(), media_type="application/json")


_WRITES: dict[int | str, dict[str, Any]] = documented(401, 403, 404, 412, 428)


@router.put("/{item_id:uuid}", responses=_WRITES | documented(409))
async def replace_item(
    item_id: UUID, new: NewItem, caller: Caller, catalog: CatalogService, response: Response, if_match: IfMatch
) -> ItemView:
    """Replaces one's own item, its stock included: hence If-Match is required (428), and a lost update is 412."""
    item = await catalog.change(caller, item_id, new, seen(if_match))
    response.headers["ETag"] = etag(item.version)
    return ItemView.of(item)


@router.patch("/{item_id:uuid}", responses=_WRITES | documented(409))
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


@router.delete("/{item_id:uuid}", status_code=204, responses=_WRITES)
async def delete_item(item_id: UUID, caller: Caller, catalog: CatalogService, if_match: IfMatch) -> None:
    """Takes one's own item out of the catalogue. Orders of it stay as they are, and its name is free again."""
    await catalog.archive(caller, item_id, seen(if_match))
