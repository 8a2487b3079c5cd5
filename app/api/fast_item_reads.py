"""Serves GET of one item, and of the list of items, without FastAPI's routing, dependencies and validation.

Those take longer than reading a cached item, and as long as reading a list. The routes still document both operations,
and serve the list when its query is not valid.
"""

import re
from collections.abc import Awaitable, Callable
from typing import Any, Final, NamedTuple
from urllib.parse import parse_qsl
from uuid import UUID

from fastapi import APIRouter
from fastapi.routing import APIRoute
from pydantic import ValidationError
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import compile_path
from starlette.types import ASGIApp, Receive, Scope, Send

from app.api import problems
from app.api.services import services_of
from app.api.v1 import items
from app.api.v2 import items as items_v2
from app.catalog.schemas import ItemQuery
from app.errors import DomainError

_MAX_QUERY_BYTES: Final = 1000  # a longer query is not valid, and not worth parsing twice


class _Route(NamedTuple):
    """A path and its handler. Telemetry reads `path_format` as the template of the route."""

    pattern: re.Pattern[str]
    path_format: str
    serve: Callable[..., Awaitable[Response | None]]


class FastItemReads:
    """Middleware that serves the fast routes and forwards all other requests."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["method"] == "GET":
            for route in _ROUTES:
                found = route.pattern.fullmatch(scope["path"])
                if found is not None and await _serve(route, found, scope, receive, send):
                    return
        await self._app(scope, receive, send)


async def _serve(route: _Route, found: re.Match[str], scope: Scope, receive: Receive, send: Send) -> bool:
    scope["route"] = route
    request = Request(scope, receive)
    parameters = {name: UUID(value) for name, value in found.groupdict().items()}
    try:
        response = await route.serve(request=request, **parameters)
    except DomainError as error:
        response = problems.refuse(request, error)
    if response is None:
        return False
    await response(scope, receive, send)
    return True


async def _list_items(request: Request) -> Response | None:
    query = _query(request.scope["query_string"])
    if query is None:
        return None
    page = await services_of(request).catalog.page(query)
    return Response(page.model_dump_json(), media_type="application/json")


def _query(text: bytes) -> ItemQuery | None:
    """Parses a query string as FastAPI does; returns None when it is not valid."""
    if len(text) > _MAX_QUERY_BYTES:
        return None
    try:
        return ItemQuery.model_validate(dict(parse_qsl(text.decode("latin-1"), keep_blank_values=True)))
    except ValidationError:
        return None


def _route(router: APIRouter, endpoint: Callable[..., Any], serve: Callable[..., Any] | None = None) -> _Route:
    """Returns a fast route with the path that the endpoint has in its router."""
    declared = next(one for one in router.routes if isinstance(one, APIRoute) and one.endpoint is endpoint)
    pattern, path_format, _ = compile_path(f"/api{declared.path}")
    return _Route(pattern, path_format, serve or endpoint)


_ROUTES: Final = (
    _route(items.router, items.get_item),
    _route(items.router, items.list_items, _list_items),
    _route(items_v2.router, items_v2.get_item),
)
