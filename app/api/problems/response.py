"""Responses with problem details."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Final
from urllib.parse import quote

import orjson
from starlette.requests import HTTPConnection
from starlette.responses import Response

from app.api.problems.model import MEDIA_TYPE, FieldProblem, Problem
from app.telemetry import context

# Python renamed these in 3.13, and a code must not depend on the version of Python.
_TITLES: Final = {413: "Content Too Large", 414: "URI Too Long", 422: "Unprocessable Content"}
_PATH_CHARACTERS: Final = "/:@!$&'()*+,;=~"
_MAX_PATH: Final = 128  # characters; percent-encoding expands one to twelve at most


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
