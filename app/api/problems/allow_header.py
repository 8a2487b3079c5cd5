"""Which methods a path knows: the framework says those of one route alone, and a path may have several."""

from collections.abc import Iterator
from typing import Final

from starlette.routing import Match
from starlette.types import Scope

_METHODS: Final = ("GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")


def allowed(scope: Scope) -> str:
    """The value of Allow (RFC 9110, 10.2.1) for the path of a request. Costs as much as routing six requests."""
    return ", ".join(_known(scope))


def _known(scope: Scope) -> Iterator[str]:
    for method in _METHODS:
        asked = {**scope, "method": method, "fastapi": {}}  # its own, so that the request's route stays as it is
        if any(route.matches(asked)[0] is Match.FULL for route in scope["app"].router.routes):
            yield method
            if method == "GET":
                yield "HEAD"  # no route declares it: app/api/head.py answers it
