"""Entity tags and conditional requests (RFC 9110, 8.8.3 and 13.1).

Tags match with or without `W/`, since proxies that compress make them weak: docs/decisions/0020-weak-tags.md. Several
header lines form one list.
"""

import re
from collections.abc import Collection
from typing import Annotated, Any, Final
from uuid import UUID

from fastapi import Depends, Header, Request, Response

from app.api.services import services_of
from app.catalog.cached_items import Representation
from app.errors import PreconditionRequiredError

_ONE: Final = r'(?:W/)?"[\x21\x23-\x7e]*"'
_IF_MATCH: Final = Header(
    description="ETag of the version to change, or *",
    max_length=400,
    pattern=rf"^(?:\*|[ \t,]*{_ONE}(?:[ \t]*,[ \t,]*{_ONE})*[ \t,]*)$",
    examples=['"1"'],
)


def _if_match(request: Request, if_match: Annotated[str | None, _IF_MATCH] = None) -> str | None:
    """Returns all lines of the header; FastAPI reads and validates only the first."""
    return None if if_match is None else _lines(request, "If-Match")


IfMatch = Annotated[str | None, Depends(_if_match)]
# Documented by hand, since FastAPI's handling of a parameter costs as much as a cached response.
CONDITIONAL: Final[dict[str, Any]] = {
    "parameters": [
        {
            "name": "If-None-Match",
            "in": "header",
            "required": False,
            "schema": {"type": "string"},
            "description": "ETag of the version that the client has",
        }
    ]
}
_TAG: Final = re.compile(r'(?:W/)?"([\x21\x23-\x7e]*)"')
_VERSION: Final = re.compile(r"[0-9]{1,9}", re.ASCII)


def etag(version: int, suffix: str = "") -> str:
    """Returns the tag of an object's version; `suffix` distinguishes the representations of API versions."""
    return f'"{version}{suffix}"'


def seen(if_match: str | None) -> Collection[int] | None:
    """Returns the versions in If-Match; None for `*`. Raises PreconditionRequiredError without the header."""
    if if_match is None:
        raise PreconditionRequiredError("This needs the item's ETag as If-Match, so that no other change is lost.")
    if if_match.strip() == "*":
        return None
    return [int(tag) for tag in _TAG.findall(if_match) if _VERSION.fullmatch(tag)]


async def tagged_item(request: Request, item_id: UUID, representation: Representation) -> Response:
    """Responds with an item and its tag, or with 304. Raises ItemNotFoundError."""
    item = await services_of(request).cached_items.get(item_id, representation)
    tag = etag(item.version, representation.tag)
    if is_current(request, tag):
        return Response(status_code=304, headers={"ETag": tag})
    return Response(item.body, media_type="application/json", headers={"ETag": tag})


def is_current(request: Request, tag: str) -> bool:
    """Tests whether If-None-Match contains the tag, so that the response is 304 (RFC 9110, 13.1.2)."""
    if "If-None-Match" not in request.headers:
        return False
    named = _lines(request, "If-None-Match")
    return named.strip() == "*" or tag.strip('"') in _TAG.findall(named)


def _lines(request: Request, name: str) -> str:
    """Joins the lines of a list-valued header (RFC 9110, 5.3)."""
    return ", ".join(request.headers.getlist(name))
