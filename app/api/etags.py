"""Entity tags (RFC 9110, 8.8.3 and 13.1): which version of an object a caller has seen."""

import re
from collections.abc import Collection
from typing import Annotated, Final

from fastapi import Header

from app.errors import PreconditionRequiredError

IfMatch = Annotated[str | None, Header(description="the ETag of the version that you change, or *", max_length=400)]
IfNoneMatch = Annotated[str | None, Header(description="the ETag of the version that you have", max_length=400)]
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


def known(if_none_match: str | None, tag: str) -> bool:
    """Whether the caller has what this tag stands for."""
    if if_none_match is None:
        return False
    return if_none_match.strip() == "*" or tag in [f'"{opaque}"' for _, opaque in _TAG.findall(if_none_match)]
