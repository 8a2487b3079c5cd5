"""GET of one item, answered before the framework is asked: its routing and its dependencies cost twice what a cached
item does, and this is what a shop is asked for most. The routes document it, and answer ids in unusual writing.
"""

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from uuid import UUID

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from app.api import problems

if TYPE_CHECKING:
    from app.api.services import Services
from app.api.etags import etag, tagged
from app.catalog import cached_items
from app.catalog.cached_items import Form
from app.errors import DomainError

_PATH: Final = re.compile(r"/api/(v[12])/items/([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})")


@dataclass(frozen=True, slots=True)
class Shown:
    """How a version of the API shows one item. `path_format` is the template under which telemetry counts it."""

    form: Form
    tag: str
    path_format: str


V1: Final = Shown(cached_items.V1, "", "/api/v1/items/{item_id}")
V2: Final = Shown(cached_items.V2, "-v2", "/api/v2/items/{item_id}")
_VERSIONS: Final = {"v1": V1, "v2": V2}


async def answer(request: Request, item_id: UUID, shown: Shown) -> Response:
    """The item with its ETag, or 304 for who has it. Raises ItemNotFoundError."""
    services: Services = request.app.state.services
    item = await services.cached_items.get(item_id, shown.form)
    return tagged(request, item.body, etag(item.version, shown.tag))


class OneItem:
    """Passes on what is not a GET of one item."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        found = _PATH.fullmatch(scope["path"]) if scope["type"] == "http" and scope["method"] == "GET" else None
        if found is None:
            await self._app(scope, receive, send)
            return
        scope["route"] = shown = _VERSIONS[found[1]]
        request = Request(scope, receive)
        try:
            response = await answer(request, UUID(found[2]), shown)
        except DomainError as error:
            response = problems.refuse(request, error)
        await response(scope, receive, send)
