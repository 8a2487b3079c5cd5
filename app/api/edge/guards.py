"""Guards against large, ambiguous and encoded requests.

FastAPI limits bodies without a Content-Length. It would refuse one with a Content-Length too, but in plain text.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from itertools import chain
from typing import Final

from starlette.types import Scope

from app.api.edge.body_timeout import has_body

MAX_URI_BYTES: Final = 8 * 1024  # RFC 9110 recommends at least 8,000 (4.1)
MAX_PARAMETERS: Final = 100
MAX_HEADER_BYTES: Final = 32 * 1024
MAX_HEADER_FIELDS: Final = 100


@dataclass(frozen=True, slots=True)
class Refusal:
    """Content of problem details. `detail` states what to do, and repeats nothing that the client sent."""

    status: HTTPStatus
    code: str
    detail: str
    headers: Mapping[str, str] = field(default_factory=dict)


# Header fields by name; of duplicates, the last one.
Fields = Mapping[bytes, bytes]
# Checks the head of a request before its body is read.
Guard = Callable[[Scope, Fields], Refusal | None]

_URI: Final = Refusal(
    HTTPStatus.REQUEST_URI_TOO_LONG, "uri_too_long", f"Path and query must not exceed {MAX_URI_BYTES} bytes."
)
_PARAMETERS: Final = Refusal(
    HTTPStatus.BAD_REQUEST, "too_many_parameters", f"A query must not exceed {MAX_PARAMETERS} parameters."
)
_HEADERS: Final = Refusal(
    HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE,
    "request_header_fields_too_large",
    f"The header fields of a request must not exceed {MAX_HEADER_FIELDS} fields and {MAX_HEADER_BYTES} bytes.",
)
_ENCODED: Final = Refusal(
    HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
    "unsupported_media_type",
    "Encoded bodies are not supported; send the body without Content-Encoding.",
    {"Accept-Encoding": "identity"},
)
_SINGLE: Final = (b"authorization", b"content-type", b"idempotency-key", b"last-event-id", b"origin")
_REPEATED: Final = {
    name: Refusal(HTTPStatus.BAD_REQUEST, "repeated_header", f"Send the header field {name.decode()} only once.")
    for name in _SINGLE
}


def uri_size(scope: Scope, _fields: Fields) -> Refusal | None:
    """Refuses a long path and query, and a query with many parameters, before it is parsed."""
    query: bytes = scope["query_string"]
    if len(scope.get("raw_path") or scope["path"]) + len(query) > MAX_URI_BYTES:
        return _URI
    return _PARAMETERS if query.count(b"&") >= MAX_PARAMETERS else None


def header_sizes(scope: Scope, _fields: Fields) -> Refusal | None:
    """Refuses more header fields, or more bytes in them, than any known client sends."""
    headers = scope["headers"]
    size = sum(map(len, chain.from_iterable(headers)))
    return _HEADERS if len(headers) > MAX_HEADER_FIELDS or size > MAX_HEADER_BYTES else None


def repeated_fields(scope: Scope, fields: Fields) -> Refusal | None:
    """Refuses a duplicate field whose value is not a list (RFC 9110, 5.3): a proxy could read the other value."""
    if len(fields) == len(scope["headers"]):
        return None
    names = [name for name, _ in scope["headers"]]
    return next((refusal for name, refusal in _REPEATED.items() if names.count(name) > 1), None)


def body_size(largest: int) -> Guard:
    """Returns a guard that refuses a body with a Content-Length above `largest` bytes, before it is read."""
    refusal = Refusal(
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "content_too_large", f"A body must not exceed {largest} bytes."
    )

    def check(_scope: Scope, fields: Fields) -> Refusal | None:
        length = fields.get(b"content-length")
        return refusal if length is not None and length.isdigit() and int(length) > largest else None

    return check


def encoded_body(scope: Scope, fields: Fields) -> Refusal | None:
    """Refuses a body with any content coding (RFC 9110, 15.5.16): a decompressed body could fill the memory."""
    if b"content-encoding" not in fields or not has_body(fields):
        return None
    given = (coding for name, value in scope["headers"] if name == b"content-encoding" for coding in value.split(b","))
    return None if all(coding.strip().lower() in (b"", b"identity") for coding in given) else _ENCODED
