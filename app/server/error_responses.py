"""Refuses requests before the application: malformed ones, and heads that httptools parses but RFC 9112 forbids."""

from collections.abc import Sequence
from http import HTTPStatus
from typing import Any, Final, NamedTuple

import orjson
import structlog

from app.api.problems import MEDIA_TYPE, Problem, title
from app.telemetry.metrics import RejectedMetrics
from app.telemetry.requests.redaction import shown_address

LARGEST_URL_BYTES: Final = 64 * 1024 - 1  # the limit of httptools' URL parser; the edge has a lower limit
_SERVED: Final = frozenset({"1.0", "1.1"})


class Refused(NamedTuple):
    """Response to a request that never reaches the application."""

    status: HTTPStatus
    code: str
    detail: str

    def problem(self) -> dict[str, Any]:
        """Returns the problem details, without an instance and ids."""
        status, code, detail = self
        problem = Problem(
            title=title(status), status=status, detail=detail, instance="", code=code, request_id="", trace_id=""
        )
        return problem.model_dump(exclude_none=True)


VERSION: Final = Refused(
    HTTPStatus.HTTP_VERSION_NOT_SUPPORTED, "http_version_not_supported", "This service supports HTTP/1.1 and HTTP/1.0."
)
_LONG_URL: Final = Refused(HTTPStatus.REQUEST_URI_TOO_LONG, "uri_too_long", "The path and the query are too long.")
_FRAGMENT: Final = Refused(HTTPStatus.BAD_REQUEST, "bad_request", "A request target must not have a fragment.")
_FRAMING: Final = Refused(HTTPStatus.BAD_REQUEST, "bad_request", "Transfer-Encoding needs HTTP/1.1.")
_CODING: Final = Refused(
    HTTPStatus.NOT_IMPLEMENTED, "not_implemented", "The only supported Transfer-Encoding is chunked."
)


def malformed(reason: str) -> Refused:
    """Returns the refusal of a malformed request; `reason` is the parser's message."""
    if reason == "Invalid HTTP version":
        return VERSION
    if reason == "User callback error":  # an error of uvicorn's callback that parses the target
        reason = "Invalid request target"
    return Refused(HTTPStatus.BAD_REQUEST, "bad_request", f"The request is not valid HTTP/1.1: {reason}.")


def check(version: str, url: bytes, headers: Sequence[tuple[bytes, bytes]]) -> Refused | None:
    """Returns the refusal of a request head, or None. The names of `headers` must be in lower case."""
    if version not in _SERVED:
        return VERSION
    if len(url) > LARGEST_URL_BYTES:
        return _LONG_URL
    if b"#" in url:
        return _FRAGMENT
    codings = [value for name, value in headers if name == b"transfer-encoding"]
    if not codings:
        return None
    if version == "1.0":
        return _FRAMING
    return None if len(codings) == 1 and codings[0].lower() == b"chunked" else _CODING


class Refusals:
    """Renders problem details, and counts and logs each refusal, since it has no access log line."""

    def __init__(self, metrics: RejectedMetrics) -> None:
        self._metrics = metrics

    def answer(self, refused: Refused, client: str) -> bytes:
        """Returns the whole response, with `Connection: close`. `client` is the address of the peer."""
        status, code, detail = refused
        self._metrics.requests.labels(str(int(status))).inc()
        structlog.get_logger().warning(
            "request_rejected", status=int(status), code=code, reason=detail, client=shown_address(client)
        )
        body = orjson.dumps(refused.problem())
        head = f"HTTP/1.1 {status} {title(status)}\r\nContent-Type: {MEDIA_TYPE}\r\nContent-Length: {len(body)}"
        return f"{head}\r\nConnection: close\r\n\r\n".encode() + body
