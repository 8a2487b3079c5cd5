"""Errors of the domains, independent of HTTP; `app.api.problems` maps each class to a status."""

from typing import ClassVar


class DomainError(Exception):
    """Error that the caller can act on. `code` is stable and documented; the message is for people."""

    code: ClassVar[str] = "error"


class NotFoundError(DomainError):
    code = "not_found"


class ConflictError(DomainError):
    code = "conflict"


class UnauthenticatedError(DomainError):
    code = "unauthenticated"


class GoneError(DomainError):
    """The object existed, and is permanently gone."""

    code = "gone"


class InvalidError(DomainError):
    code = "invalid"


class ForbiddenError(DomainError):
    code = "forbidden"


class BadRequestError(DomainError):
    code = "bad_request"


class PreconditionFailedError(DomainError):
    code = "precondition_failed"


class PreconditionRequiredError(DomainError):
    code = "precondition_required"


class RetryableError(Exception):
    """Mixin of errors after which the same request may succeed in `retry_after` seconds."""

    def __init__(self, message: str, *, retry_after: int = 5) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class TooManyRequestsError(RetryableError, DomainError):
    """A limit is reached."""

    code = "too_many_requests"


class BusyError(RetryableError, DomainError):
    """Too many requests of this kind are in progress."""

    code = "busy"


class UnavailableError(RetryableError, DomainError):
    """A dependency is unavailable."""

    code = "unavailable"


class TimedOutError(UnavailableError):
    """A dependency did not respond in time; it may still have carried out the request."""

    code = "timed_out"
