"""Models of problem details."""

from typing import Any, Final

from pydantic import BaseModel

MEDIA_TYPE: Final = "application/problem+json"
# OpenAPI's description of a response with problem details.
DOCUMENTED: Final[dict[str, Any]] = {
    "description": "Problem details (RFC 9457)",
    "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
}


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
