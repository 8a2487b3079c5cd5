"""What can go wrong in the domains, said without HTTP; `app.api.problems` gives each kind its status."""

from typing import ClassVar


class DomainError(Exception):
    """A refusal that the caller can act on. `code` is stable and documented; the message is for people."""

    code: ClassVar[str] = "error"


class NotFoundError(DomainError):
    code = "not_found"


class ConflictError(DomainError):
    code = "conflict"


class UnauthenticatedError(DomainError):
    code = "unauthenticated"


class GoneError(DomainError):
    """It was there, and won't be again."""

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


class TooManyRequestsError(DomainError):
    """A limit is reached; the same request may succeed in `retry_after` seconds."""

    code = "too_many_requests"

    def __init__(self, message: str, *, retry_after: int) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class BusyError(DomainError):
    """Too much of the same work is under way; the same request may succeed in `retry_after` seconds."""

    code = "busy"

    def __init__(self, message: str, *, retry_after: int) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class UnavailableError(DomainError):
    """A dependency is gone for now; the same request may succeed in `retry_after` seconds."""

    code = "unavailable"

    def __init__(self, message: str, *, retry_after: int = 5) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class TimedOutError(UnavailableError):
    """A dependency did not answer in time; what was asked of it may be done all the same."""

    code = "timed_out"
