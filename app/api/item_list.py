"""GET of a list of items, answered before the framework is asked: its routing, its dependencies and its reading of the
query cost as much as the list itself. The route documents it, and answers every query that is not valid.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qsl

from pydantic import ValidationError
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from app.api import problems
from app.catalog.schemas import ItemQuery
from app.errors import DomainError

if TYPE_CHECKING:
    from app.api.services import Services

_LONGEST_QUERY: Final = 1000  # what is longer is not valid, and is not to be read twice


@dataclass(frozen=True, slots=True)
class _Route:
    """`path_format` is the template under which telemetry counts it."""

    path_format: str


_V1: Final = _Route("/api/v1/items")


class ItemList:
    """Passes on what is not a GET of a list of items."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        listed = scope["type"] == "http" and scope["path"] == _V1.path_format and scope["method"] == "GET"
        query = _query(scope["query_string"]) if listed else None
        if query is None:
            await self._app(scope, receive, send)
            return
        scope["route"] = _V1
        request = Request(scope, receive)
        services: Services = request.app.state.services
        try:
            page = await services.catalog.page(query)
            response = Response(page.model_dump_json(), media_type="application/json")
        except DomainError as error:
            response = problems.refuse(request, error)
        await response(scope, receive, send)


def _query(text: bytes) -> ItemQuery | None:
    """Reads a query string as the framework does; None for one that it has to refuse."""
    if len(text) > _LONGEST_QUERY:
        return None
    try:
        return ItemQuery.model_validate(dict(parse_qsl(text.decode("latin-1"), keep_blank_values=True)))
    except ValidationError:
        return None
