"""Under which names a request is counted: its route and its method, as a few constants whatever is asked."""

from typing import Final

from starlette.types import Scope

UNMATCHED: Final = "unmatched"
OVERLOADED: Final = "overloaded"  # refused before routing
OTHER_METHOD: Final = "OTHER"
METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT", "QUERY"})


def method_of(scope: Scope) -> str:
    """A method of RFC 9110, 5789 or 10008, or one constant."""
    method: str = scope["method"]
    return method if method in METHODS else OTHER_METHOD


def route_of(scope: Scope) -> str:
    """The template, found where routing left it, or one constant. To be asked after routing.

    FastAPI keeps included routers as a tree: the route knows only its own part of the template, and the context that
    it was found in all of it. A WebSocket's route knows all. What is mounted knows nothing of where; `root_path` does.
    """
    route = scope.get("route")
    included = scope.get("fastapi", {}).get("effective_route_context")
    if included is not None and included.original_route is route and included.path_format:
        route = included
    # Not `path`, which says how a parameter is read as well: {item_id:uuid}.
    template = getattr(route, "path_format", "")
    return f"{scope.get('root_path', '')}{template}" if template else UNMATCHED
