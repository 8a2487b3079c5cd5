"""A response with problem details."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Final
from urllib.parse import quote

import orjson
from starlette.requests import HTTPConnection
from starlette.responses import Response

from app.api.problems.model import MEDIA_TYPE, FieldProblem, Problem
from app.telemetry import context

# Python renamed these in 3.13; a code must not depend on the version that runs.
_TITLES: Final = {413: "Content Too Large", 414: "URI Too Long", 422: "Unprocessable Content"}
_PATH_CHARACTERS: Final = "/:@!$&'()*+,;=~"
_LONGEST_PATH: Final = 128  # characters of a path that are repeated; those that are quoted become up to twelve each


def answer(
    request: HTTPConnection,
    status: int,
    code: str,
    detail: str,
    *,
    headers: Mapping[str, str] | None = None,
    errors: list[FieldProblem] | None = None,
) -> Response:
    """A response with problem details."""
    work = context.current()
    problem = Problem(
        title=title(status),
        status=status,
        detail=detail,
        instance=quote(request.scope["path"][:_LONGEST_PATH], safe=_PATH_CHARACTERS, errors="replace"),
        code=code,
        request_id=work.request_id if work else "",
        trace_id=work.trace_id if work else "",
        errors=errors,
    )
    body = orjson.dumps(problem.model_dump(exclude_none=True))
    return Response(body, status, headers=dict(headers or {}), media_type=MEDIA_TYPE)


def title(status: int) -> str:
    """The name of the status. Raises ValueError for one that has none."""
    return _TITLES.get(status) or HTTPStatus(status).phrase


def printable(text: str) -> str:
    """Cuts a text, and replaces lone surrogates, which JSON has no place for."""
    return text.encode("utf-8", "replace").decode()[:300]
