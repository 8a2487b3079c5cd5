"""Every error as problem details (RFC 9457), and never with what the caller sent: it may hold a password."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final

import orjson
import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel
from starlette.exceptions import HTTPException
from starlette.responses import Response

from app.errors import (
    BadRequestError,
    ConflictError,
    DomainError,
    ForbiddenError,
    InvalidError,
    NotFoundError,
    PreconditionFailedError,
    PreconditionRequiredError,
    TooManyRequestsError,
    UnauthenticatedError,
    UnavailableError,
)
from app.telemetry import context

MEDIA_TYPE: Final = "application/problem+json"
# Python renamed these two in 3.13; a code must not depend on the version that runs.
_TITLES: Final = {413: "Content Too Large", 422: "Unprocessable Content"}
_STATUS: Final[dict[type[DomainError], HTTPStatus]] = {
    NotFoundError: HTTPStatus.NOT_FOUND,
    ConflictError: HTTPStatus.CONFLICT,
    UnauthenticatedError: HTTPStatus.UNAUTHORIZED,
    InvalidError: HTTPStatus.UNPROCESSABLE_ENTITY,
    BadRequestError: HTTPStatus.BAD_REQUEST,
    ForbiddenError: HTTPStatus.FORBIDDEN,
    PreconditionFailedError: HTTPStatus.PRECONDITION_FAILED,
    PreconditionRequiredError: HTTPStatus.PRECONDITION_REQUIRED,
    TooManyRequestsError: HTTPStatus.TOO_MANY_REQUESTS,
    UnavailableError: HTTPStatus.SERVICE_UNAVAILABLE,
}


class FieldProblem(BaseModel):
    """What is wrong with one field; `field` is its path, such as body.lines.0.quantity."""

    field: str
    message: str
    code: str


class Problem(BaseModel):
    """Problem details, RFC 9457. `code` is stable; `request_id` and `trace_id` lead to the log and the trace."""

    type: str = "about:blank"
    title: str
    status: int
    detail: str
    instance: str
    code: str
    request_id: str
    trace_id: str
    errors: list[FieldProblem] | None = None


DOCUMENTED: Final[dict[str, Any]] = {
    "description": "Problem details (RFC 9457)",
    "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
}


def install(app: FastAPI) -> None:
    """Gives an application the handlers, and its document the schema."""
    app.add_exception_handler(DomainError, _domain)
    app.add_exception_handler(RequestValidationError, _validation)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(Exception, _unexpected)
    generate = app.openapi

    def openapi() -> dict[str, Any]:
        document = generate()
        schema = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
        document["components"]["schemas"].update({**schema.pop("$defs"), "Problem": schema})
        return document

    app.openapi = openapi  # type: ignore[method-assign]  # FastAPI's own way to extend the document


def answer(
    request: Request,
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
        title=_title(status),
        status=status,
        detail=detail,
        instance=request.url.path,
        code=code,
        request_id=work.request_id if work else "",
        trace_id=work.trace_id if work else "",
        errors=errors,
    )
    body = orjson.dumps(problem.model_dump(exclude_none=True))
    return Response(body, status, headers=dict(headers or {}), media_type=MEDIA_TYPE)


async def _domain(request: Request, error: Exception) -> Response:
    if not isinstance(error, DomainError):
        raise error
    status = next(status for kind, status in _STATUS.items() if isinstance(error, kind))
    headers = {}
    if isinstance(error, UnauthenticatedError):
        headers["WWW-Authenticate"] = "Bearer"
    if isinstance(error, (UnavailableError, TooManyRequestsError)):
        headers["Retry-After"] = str(error.retry_after)
    if isinstance(error, UnavailableError):
        structlog.get_logger().warning("dependency_unavailable", reason=str(error), cause=repr(error.__cause__))
    return answer(request, status, error.code, str(error), headers=headers)


async def _validation(request: Request, error: Exception) -> Response:
    if not isinstance(error, RequestValidationError):
        raise error
    problems = [
        FieldProblem(
            field=_printable(".".join(str(part) for part in entry["loc"])),
            message=_printable(str(entry["msg"]).removeprefix("Value error, ")),
            code=str(entry["type"]),
        )
        for entry in error.errors()
    ]
    detail = f"{len(problems)} field(s) are not as they should be; see errors."
    return answer(request, HTTPStatus.UNPROCESSABLE_ENTITY, "validation_failed", detail, errors=problems)


async def _http(request: Request, error: Exception) -> Response:
    if not isinstance(error, HTTPException):
        raise error
    code = _title(error.status_code).lower().replace(" ", "_")
    return answer(request, error.status_code, code, _printable(str(error.detail)), headers=error.headers)


async def _unexpected(request: Request, _error: Exception) -> Response:
    """The layer around the application logs and reports the error; the caller gets where to look for it."""
    detail = "Something broke on our side; it is recorded under the request_id and trace_id given here."
    return answer(request, HTTPStatus.INTERNAL_SERVER_ERROR, "internal_error", detail)


def _title(status: int) -> str:
    return _TITLES.get(status) or HTTPStatus(status).phrase


def _printable(text: str) -> str:
    return text.encode("utf-8", "replace").decode()[:300]
