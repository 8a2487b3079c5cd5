"""Labels of a request: route template and method, from a bounded set of values."""

from typing import Final

from starlette.types import Scope

UNMATCHED: Final = "unmatched"
OVERLOADED: Final = "overloaded"  # refused before routing
OTHER_METHOD: Final = "OTHER"
METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT", "QUERY"})


def method_of(scope: Scope) -> str:
    """Returns a method of RFC 9110, 5789 or 10008, else `OTHER`."""
    method: str = scope["method"]
    return method if method in METHODS else OTHER_METHOD


def route_of(scope: Scope) -> str:
    """Returns the route template after routing, else `unmatched`.

    FastAPI keeps included routers as a tree: the route holds its own part of the template, the context that it was
    found in the whole of it. A WebSocket's route holds the whole. `root_path` holds the path of a mount.
    """
    route = scope.get("route")
    included = scope.get("fastapi", {}).get("effective_route_context")
    if included is not None and included.original_route is route and included.path_format:
        route = included
    # `path_format` is /items/{item_id} where `path` is /items/{item_id:uuid}.
    template = getattr(route, "path_format", "")
    return f"{scope.get('root_path', '')}{template}" if template else UNMATCHED
