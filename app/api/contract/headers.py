"""Headers that many responses carry, documented once as components."""

from collections.abc import Iterator, Mapping
from http import HTTPStatus
from typing import Any, Final


def _header(about: str, schema: dict[str, Any], *, required: bool = False) -> dict[str, Any]:
    return {"description": about, "required": required, "schema": schema}


_TEXT: Final = {"type": "string"}
_COUNT: Final = {"type": "integer", "minimum": 0}
_ETAG: Final = {"type": "string", "pattern": r'^"[\x21\x23-\x7e]+"$', "examples": ['"1"']}
_PATH: Final = {"type": "string", "format": "uri-reference", "pattern": "^/api/"}
# Optional, since each limit can be turned off.
_LIMITS: Final = ("RateLimit", "RateLimit-Policy", "X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset")
HEADERS: Final[Mapping[str, dict[str, Any]]] = {
    "Accept-Encoding": _header("Content coding that request bodies may have", {"const": "identity"}, required=True),
    "ETag": _header("Entity tag of the returned version", _ETAG, required=True),
    "Idempotency-Replayed": _header("Present when this is the stored first response", {"const": "true"}),
    "Location": _header("Path of the new object, or of the task that creates it", _PATH, required=True),
    "RateLimit": _header('Remaining requests, and seconds until the limit resets: "read";r=599;t=60', _TEXT),
    "RateLimit-Policy": _header('Limit in requests, and its window in seconds: "read";q=600;w=60', _TEXT),
    "Retry-After": _header("Seconds to wait before the next attempt", _COUNT, required=True),
    "WWW-Authenticate": _header("Authentication scheme", {"const": "Bearer"}, required=True),
    "X-Process-Time": _header("Seconds until the response began", {"type": "number"}, required=True),
    "X-RateLimit-Limit": _header("Limit in requests, for clients that do not read RateLimit", _COUNT),
    "X-RateLimit-Remaining": _header("Remaining requests", _COUNT),
    "X-RateLimit-Reset": _header("Seconds until the limit resets", _COUNT),
    "X-Request-ID": _header("Id from the request if it is valid, otherwise a new one", _TEXT, required=True),
}


def add_headers(path: str, operation: dict[str, Any]) -> None:
    """Adds the headers that depend on path and status alone, beside those that the route documents."""
    for status, response in operation["responses"].items():
        names = _names(path, int(status))
        stated = {name: {"$ref": f"#/components/headers/{name}"} for name in names}
        operation["responses"][status] = response | {"headers": stated | response.get("headers", {})}


def _names(path: str, status: int) -> Iterator[str]:
    yield from ("X-Request-ID", "X-Process-Time")
    if path.startswith("/api/"):
        if status < HTTPStatus.BAD_REQUEST or status == HTTPStatus.TOO_MANY_REQUESTS:  # other responses carry them too
            yield from _LIMITS
        if status in (HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE):
            yield "Retry-After"
    if status == HTTPStatus.UNSUPPORTED_MEDIA_TYPE:
        yield "Accept-Encoding"
    if status == HTTPStatus.UNAUTHORIZED:
        yield "WWW-Authenticate"
