"""Maps errors to problem details."""

from collections.abc import Iterator
from http import HTTPStatus
from typing import Final

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import HTTPConnection
from starlette.responses import Response
from starlette.routing import Match
from starlette.types import Scope

from app.api.problems.response import answer, printable, title
from app.api.problems.validation_errors import MAX_ERRORS, field_problems
from app.errors import (
    BadRequestError,
    BusyError,
    ConflictError,
    DomainError,
    ForbiddenError,
    GoneError,
    InvalidError,
    NotFoundError,
    PreconditionFailedError,
    PreconditionRequiredError,
    TimedOutError,
    TooManyRequestsError,
    UnauthenticatedError,
    UnavailableError,
)

_STATUS: Final[dict[type[DomainError], HTTPStatus]] = {
    NotFoundError: HTTPStatus.NOT_FOUND,
    ConflictError: HTTPStatus.CONFLICT,
    GoneError: HTTPStatus.GONE,
    UnauthenticatedError: HTTPStatus.UNAUTHORIZED,
    InvalidError: HTTPStatus.UNPROCESSABLE_ENTITY,
    BadRequestError: HTTPStatus.BAD_REQUEST,
    ForbiddenError: HTTPStatus.FORBIDDEN,
    PreconditionFailedError: HTTPStatus.PRECONDITION_FAILED,
    PreconditionRequiredError: HTTPStatus.PRECONDITION_REQUIRED,
    TooManyRequestsError: HTTPStatus.TOO_MANY_REQUESTS,
    BusyError: HTTPStatus.SERVICE_UNAVAILABLE,
    TimedOutError: HTTPStatus.GATEWAY_TIMEOUT,  # before its base class
    UnavailableError: HTTPStatus.SERVICE_UNAVAILABLE,
}
_METHODS: Final = ("GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")


def install(app: FastAPI) -> None:
    """Adds the exception handlers to an application."""
    app.exception_handler(DomainError)(_domain)
    app.exception_handler(RequestValidationError)(_validation)
    app.exception_handler(HTTPException)(_http)
    app.exception_handler(Exception)(_failed)


async def _domain(request: Request, error: DomainError) -> Response:
    return refuse(request, error)


def refuse(request: HTTPConnection, error: DomainError) -> Response:
    """Responds to a domain error."""
    status = next(status for kind, status in _STATUS.items() if isinstance(error, kind))
    headers = {}
    if isinstance(error, UnauthenticatedError):
        headers["WWW-Authenticate"] = "Bearer"
    if isinstance(error, (BusyError, TooManyRequestsError, UnavailableError)):
        headers["Retry-After"] = str(error.retry_after)
    if isinstance(error, UnavailableError):
        structlog.get_logger().warning("dependency_unavailable", reason=str(error), cause=repr(error.__cause__))
    return answer(request, status, error.code, str(error), headers=headers)


async def _validation(request: Request, error: RequestValidationError) -> Response:
    errors = error.errors()
    listed = field_problems(errors)
    detail = f"{len(errors)} field(s) are not valid; see errors."
    if len(errors) > MAX_ERRORS:
        detail = f"{len(errors)} field(s) are not valid; errors lists the first {len(listed)}."
    return answer(request, HTTPStatus.UNPROCESSABLE_ENTITY, "validation_failed", detail, errors=listed)


async def _http(request: Request, error: HTTPException) -> Response:
    code = title(error.status_code).lower().replace(" ", "_")
    headers = error.headers
    if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
        headers = {"Allow": ", ".join(_allowed(request.scope))}
    return answer(request, error.status_code, code, printable(str(error.detail)), headers=headers)


def _allowed(scope: Scope) -> Iterator[str]:
    """Yields the methods of a path (RFC 9110, 10.2.1), which can have several routes; FastAPI lists those of one."""
    for method in _METHODS:
        asked = {**scope, "method": method, "fastapi": {}}  # a copy, so that the request keeps its route
        if any(route.matches(asked)[0] is Match.FULL for route in scope["app"].router.routes):
            yield method
            if method == "GET":
                yield "HEAD"  # answered by app/api/head.py


async def _failed(request: Request, _error: Exception) -> Response:
    return unexpected(request)


def unexpected(request: Request) -> Response:
    """Responds to an unexpected error with its ids; TelemetryLayer logs and reports it."""
    detail = "The service failed. The error is logged with this request_id and trace_id."
    return answer(request, HTTPStatus.INTERNAL_SERVER_ERROR, "internal_error", detail)
