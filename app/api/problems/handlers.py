"""Maps errors to problem details."""

from http import HTTPStatus
from typing import Final

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import HTTPConnection
from starlette.responses import Response

from app.api.problems.allow_header import allowed
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


def install(app: FastAPI) -> None:
    """Adds the exception handlers to an application."""
    app.add_exception_handler(DomainError, _domain)
    app.add_exception_handler(RequestValidationError, _validation)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(Exception, _failed)


async def _domain(request: Request, error: Exception) -> Response:
    if not isinstance(error, DomainError):
        raise error
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


async def _validation(request: Request, error: Exception) -> Response:
    if not isinstance(error, RequestValidationError):
        raise error
    errors = error.errors()
    listed = field_problems(errors)
    detail = f"{len(errors)} field(s) are not valid; see errors."
    if len(errors) > MAX_ERRORS:
        detail = f"{len(errors)} field(s) are not valid; errors lists the first {len(listed)}."
    return answer(request, HTTPStatus.UNPROCESSABLE_ENTITY, "validation_failed", detail, errors=listed)


async def _http(request: Request, error: Exception) -> Response:
    if not isinstance(error, HTTPException):
        raise error
    code = title(error.status_code).lower().replace(" ", "_")
    headers = error.headers
    if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
        headers = {"Allow": allowed(request.scope)}
    return answer(request, error.status_code, code, printable(str(error.detail)), headers=headers)


async def _failed(request: Request, _error: Exception) -> Response:
    return unexpected(request)


def unexpected(request: Request) -> Response:
    """Responds to an unexpected error with its ids; TelemetryLayer logs and reports it."""
    detail = "The service failed. The error is logged with this request_id and trace_id."
    return answer(request, HTTPStatus.INTERNAL_SERVER_ERROR, "internal_error", detail)
