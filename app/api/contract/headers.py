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
    "Accept-Encoding": _header("how a body may be encoded", {"const": "identity"}, required=True),
    "ETag": _header("which version of the object this is", _ETAG, required=True),
    "Idempotency-Replayed": _header("set when this is the first answer again", {"const": "true"}),
    "Location": _header("where to find it, or how it goes", _PATH, required=True),
    "RateLimit": _header('what is left of the limit, and for how many seconds: "read";r=599;t=60', _TEXT),
    "RateLimit-Policy": _header('the limit, and its window in seconds: "read";q=600;w=60', _TEXT),
    "Retry-After": _header("when to come back, in seconds", _COUNT, required=True),
    "WWW-Authenticate": _header("how to authenticate", {"const": "Bearer"}, required=True),
    "X-Process-Time": _header("how long the answer took to begin, in seconds", {"type": "number"}, required=True),
    "X-RateLimit-Limit": _header("the limit, for those who do not know RateLimit", _COUNT),
    "X-RateLimit-Remaining": _header("what is left of it", _COUNT),
    "X-RateLimit-Reset": _header("in how many seconds all of it is back", _COUNT),
    "X-Request-ID": _header("the caller's, if it was sane, else a new one", _TEXT, required=True),
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
