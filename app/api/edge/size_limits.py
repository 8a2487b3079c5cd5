"""Limits the size of a request's URI, parameters, header fields and announced body.

FastAPI limits bodies without a Content-Length. It would refuse one with a Content-Length too, but in plain text.
"""

from collections.abc import Mapping
from http import HTTPStatus
from itertools import chain
from typing import Final

from starlette.types import Scope

from app.api.edge.refusal import Refusal

MAX_URI_BYTES: Final = 8 * 1024  # RFC 9110 recommends at least 8,000 (4.1)
MAX_PARAMETERS: Final = 100
MAX_HEADER_BYTES: Final = 32 * 1024
MAX_HEADER_FIELDS: Final = 100

_URI: Final = Refusal(
    HTTPStatus.REQUEST_URI_TOO_LONG,
    "uri_too_long",
    f"Path and query must not exceed {MAX_URI_BYTES} bytes.",
)
_PARAMETERS: Final = Refusal(
    HTTPStatus.BAD_REQUEST, "too_many_parameters", f"A query must not exceed {MAX_PARAMETERS} parameters."
)
_HEADERS: Final = Refusal(
    HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE,
    "request_header_fields_too_large",
    f"The header fields of a request must not exceed {MAX_HEADER_FIELDS} fields and {MAX_HEADER_BYTES} bytes.",
)


class UriSize:
    """Refuses a long path and query, and a query with many parameters, before it is parsed."""

    def refuse(self, scope: Scope, fields: Mapping[bytes, bytes]) -> Refusal | None:  # noqa: ARG002
        query: bytes = scope["query_string"]
        if len(scope.get("raw_path") or scope["path"]) + len(query) > MAX_URI_BYTES:
            return _URI
        return _PARAMETERS if query.count(b"&") >= MAX_PARAMETERS else None


class HeaderSizes:
    """Refuses more header fields, or more bytes in them, than any known client sends."""

    def refuse(self, scope: Scope, fields: Mapping[bytes, bytes]) -> Refusal | None:  # noqa: ARG002
        headers = scope["headers"]
        size = sum(map(len, chain.from_iterable(headers)))
        return _HEADERS if len(headers) > MAX_HEADER_FIELDS or size > MAX_HEADER_BYTES else None


class BodySize:
    """Refuses a body with a Content-Length above `largest` bytes, before it is read."""

    def __init__(self, largest: int) -> None:
        self._largest = largest
        self._refusal = Refusal(
            HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "content_too_large", f"A body must not exceed {largest} bytes."
        )

    def refuse(self, scope: Scope, fields: Mapping[bytes, bytes]) -> Refusal | None:  # noqa: ARG002
        length = fields.get(b"content-length")
        return self._refusal if length is not None and length.isdigit() and int(length) > self._largest else None
