"""Lists the methods of a path. FastAPI lists those of one route, and a path can have several routes."""

from collections.abc import Iterator
from typing import Final

from starlette.routing import Match
from starlette.types import Scope

_METHODS: Final = ("GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")


def allowed(scope: Scope) -> str:
    """Returns the value of Allow (RFC 9110, 10.2.1) for a request's path. Costs as much as routing six requests."""
    return ", ".join(_known(scope))


def _known(scope: Scope) -> Iterator[str]:
    for method in _METHODS:
        asked = {**scope, "method": method, "fastapi": {}}  # a copy, so that the request keeps its route
        if any(route.matches(asked)[0] is Match.FULL for route in scope["app"].router.routes):
            yield method
            if method == "GET":
                yield "HEAD"  # answered by app/api/head.py
