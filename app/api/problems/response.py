"""Problem details and responses with them."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import quote

import orjson
from pydantic import BaseModel
from starlette.requests import HTTPConnection
from starlette.responses import Response

from app.telemetry import context

MEDIA_TYPE: Final = "application/problem+json"
# OpenAPI's description of a response with problem details.
DOCUMENTED: Final[dict[str, Any]] = {
    "description": "Problem details (RFC 9457)",
    "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
}
# Python renamed these in 3.13, and a code must not depend on the version of Python.
_TITLES: Final = {413: "Content Too Large", 414: "URI Too Long", 422: "Unprocessable Content"}
_PATH_CHARACTERS: Final = "/:@!$&'()*+,;=~"
_MAX_PATH: Final = 128  # characters; percent-encoding expands one to twelve at most


class FieldProblem(BaseModel):
    """Error of one field; `field` is its path, such as body.lines.0.quantity."""

    field: str
    message: str
    code: str


class Problem(BaseModel):
    """Problem details (RFC 9457). `code` is stable; `request_id` and `trace_id` identify its logs and its trace."""

    type: str = "about:blank"
    title: str
    status: int
    detail: str
    instance: str
    code: str
    request_id: str
    trace_id: str
    errors: list[FieldProblem] | None = None


def answer(
    request: HTTPConnection,
    status: int,
    code: str,
    detail: str,
    *,
    headers: Mapping[str, str] | None = None,
    errors: list[FieldProblem] | None = None,
) -> Response:
    """Returns a response with problem details."""
    work = context.current()
    problem = Problem(
        title=title(status),
        status=status,
        detail=detail,
        instance=quote(request.scope["path"][:_MAX_PATH], safe=_PATH_CHARACTERS, errors="replace"),
        code=code,
        request_id=work.request_id if work else "",
        trace_id=work.trace_id if work else "",
        errors=errors,
    )
    body = orjson.dumps(problem.model_dump(exclude_none=True))
    return Response(body, status, headers=dict(headers or {}), media_type=MEDIA_TYPE)


def title(status: int) -> str:
    """Returns the reason phrase of a status. Raises ValueError for an unknown one."""
    return _TITLES.get(status) or HTTPStatus(status).phrase


def printable(text: str) -> str:
    """Truncates a text, and replaces lone surrogates, which JSON can't encode."""
    return text.encode("utf-8", "replace").decode()[:300]
