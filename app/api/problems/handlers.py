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

from app import errors
from app.api.problems.response import answer, printable, title
from app.api.problems.validation_errors import MAX_ERRORS, field_problems

_STATUS: Final[dict[type[errors.DomainError], HTTPStatus]] = {
    errors.NotFoundError: HTTPStatus.NOT_FOUND,
    errors.ConflictError: HTTPStatus.CONFLICT,
    errors.GoneError: HTTPStatus.GONE,
    errors.UnauthenticatedError: HTTPStatus.UNAUTHORIZED,
    errors.InvalidError: HTTPStatus.UNPROCESSABLE_ENTITY,
    errors.BadRequestError: HTTPStatus.BAD_REQUEST,
    errors.ForbiddenError: HTTPStatus.FORBIDDEN,
    errors.PreconditionFailedError: HTTPStatus.PRECONDITION_FAILED,
    errors.PreconditionRequiredError: HTTPStatus.PRECONDITION_REQUIRED,
    errors.TooManyRequestsError: HTTPStatus.TOO_MANY_REQUESTS,
    errors.BusyError: HTTPStatus.SERVICE_UNAVAILABLE,
    errors.TimedOutError: HTTPStatus.GATEWAY_TIMEOUT,  # before its base class
    errors.UnavailableError: HTTPStatus.SERVICE_UNAVAILABLE,
}
_METHODS: Final = ("GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")


def install(app: FastAPI) -> None:
    """Adds the exception handlers to an application."""
    app.exception_handler(errors.DomainError)(_domain)
    app.exception_handler(RequestValidationError)(_validation)
    app.exception_handler(HTTPException)(_http)
    app.exception_handler(Exception)(unexpected)


async def _domain(request: Request, error: errors.DomainError) -> Response:
    return refuse(request, error)


def refuse(request: HTTPConnection, error: errors.DomainError) -> Response:
    """Responds to a domain error."""
    status = next(status for kind, status in _STATUS.items() if isinstance(error, kind))
    headers = {}
    if isinstance(error, errors.UnauthenticatedError):
        headers["WWW-Authenticate"] = "Bearer"
    if isinstance(error, (errors.BusyError, errors.TooManyRequestsError, errors.UnavailableError)):
        headers["Retry-After"] = str(error.retry_after)
    if isinstance(error, errors.UnavailableError):
        structlog.get_logger().warning("dependency_unavailable", reason=str(error), cause=repr(error.__cause__))
    return answer(request, status, error.code, str(error), headers=headers)


async def _validation(request: Request, error: RequestValidationError) -> Response:
    found = error.errors()
    listed = field_problems(found)
    detail = f"{len(found)} field(s) are not valid; see errors."
    if len(found) > MAX_ERRORS:
        detail = f"{len(found)} field(s) are not valid; errors lists the first {len(listed)}."
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


async def unexpected(request: Request, _error: Exception) -> Response:
    """Responds to an unexpected error with its ids; TelemetryLayer logs and reports it."""
    detail = "The service failed. The error is logged with this request_id and trace_id."
    return answer(request, HTTPStatus.INTERNAL_SERVER_ERROR, "internal_error", detail)
