"""Entity tags (RFC 9110, 8.8.3 and 13.1): which version of an object a caller has seen."""

import re
from collections.abc import Collection
from typing import Annotated, Any, Final

from fastapi import Header, Request, Response

from app.errors import PreconditionRequiredError

_ONE: Final = r'(?:W/)?"[\x21\x23-\x7e]*"'
IfMatch = Annotated[
    str | None,
    Header(
        description="the ETag of the version that you change, or *",
        max_length=400,
        pattern=rf"^(?:\*|{_ONE}(?: *, *{_ONE})*)$",
        examples=['"1"'],
    ),
]
# Read and documented by hand, and so are these endpoints' services: what the framework solves for an endpoint costs as
# much again as a cached answer.
CONDITIONAL: Final[dict[str, Any]] = {
    "parameters": [
        {
            "name": "If-None-Match",
            "in": "header",
            "required": False,
            "schema": {"type": "string"},
            "description": "the ETag of the version that you have",
        }
    ]
}
_TAG: Final = re.compile(r'(W/)?"([\x21\x23-\x7e]*)"')
_VERSION: Final = re.compile(r"[0-9]{1,9}", re.ASCII)


def etag(version: int, form: str = "") -> str:
    """The tag of a version of an object; `form` tells apart what two versions of the API say of it."""
    return f'"{version}{form}"'


def seen(if_match: str | None) -> Collection[int] | None:
    """The versions that If-Match names, None for `*`. Raises PreconditionRequiredError when there is no such header."""
    if if_match is None:
        raise PreconditionRequiredError("This needs the item's ETag as If-Match, so that no other change is lost.")
    if if_match.strip() == "*":
        return None
    strong = [tag for weak, tag in _TAG.findall(if_match) if not weak]
    return [int(tag) for tag in strong if _VERSION.fullmatch(tag)]


def tagged(request: Request, body: bytes, tag: str) -> Response:
    """A JSON body as it is and its tag; 304 for a caller who has what the tag stands for."""
    if_none_match = request.headers.get("If-None-Match")
    if if_none_match is not None and known(if_none_match, tag):
        return Response(status_code=304, headers={"ETag": tag})
    return Response(body, media_type="application/json", headers={"ETag": tag})


def known(if_none_match: str, tag: str) -> bool:
    """Whether If-None-Match names the tag (RFC 9110, 13.1.2)."""
    return if_none_match.strip() == "*" or tag in [f'"{opaque}"' for _, opaque in _TAG.findall(if_none_match)]
