"""Calls of other services, with deadlines, retries and a circuit breaker."""

import asyncio
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractAsyncContextManager, contextmanager
from dataclasses import KW_ONLY, InitVar, dataclass
from functools import partial
from http import HTTPStatus
from typing import Any, Final, Literal, TypeVar

import httpx2

from app.errors import DomainError, TimedOutError, UnavailableError
from app.infra.resilience.circuit_breaker import Breaker, BreakerOpenError
from app.infra.resilience.retry import Retries
from app.telemetry.metrics import DependencyMetrics

T = TypeVar("T")
MAX_ANSWER_BYTES: Final = 1_000_000
# The first three mean that the API key is wrong, whatever the request: an operator has to fix that.
_NOT_REPEATED: Final = frozenset(
    {
        HTTPStatus.UNAUTHORIZED,
        HTTPStatus.FORBIDDEN,
        HTTPStatus.PROXY_AUTHENTICATION_REQUIRED,
        HTTPStatus.TOO_MANY_REQUESTS,
    }
)
_NO_ANSWERS: Final = _NOT_REPEATED | {HTTPStatus.REQUEST_TIMEOUT}
_Request = Callable[[], AbstractAsyncContextManager[httpx2.Response]]


@dataclass(frozen=True, slots=True)
class Answer:
    """A response with a status of 2xx or 4xx: the service understood the request and decided.

    401, 403, 407, 408 and 429 are no answer, since they say nothing about the request itself.
    """

    status: int
    content: bytes


Kind = Literal["connection", "status", "body"]
Read = Callable[[Answer], T]


class NoAnswerError(UnavailableError):
    """The service gave no usable answer; the request may have been carried out all the same."""

    def __init__(self, message: str, *, kind: Kind, repeatable: bool) -> None:
        super().__init__(message)
        self.kind = kind
        self.repeatable = repeatable


@contextmanager
def guarded(breaker: Breaker, metrics: DependencyMetrics, target: str, operation: str) -> Iterator[None]:
    """Counts a call through the breaker, unless it is cancelled or a fault of this code. Raises BreakerOpenError."""
    outcome: str | None = None
    started = time.perf_counter()
    try:
        with breaker.watching():
            yield
        outcome = "ok"
    except DomainError as error:
        outcome = _outcome(error)
        raise
    finally:
        if outcome is not None:
            metrics.requests.labels(target, operation, outcome).inc()
        if outcome not in {None, "breaker_open"}:  # then nothing was sent
            metrics.duration.labels(target, operation).observe(time.perf_counter() - started)


@dataclass(frozen=True, slots=True)
class Dependency:
    """One service, or one part of it that fails by itself, with its breaker and its retries.

    `read` parses an answer; it raises the DomainError that the answer means, or ValueError when the answer is invalid.
    Without an answer a call raises TimedOutError, NoAnswerError or BreakerOpenError, each an UnavailableError; only
    BreakerOpenError means that nothing was sent. A single try takes at most `try_seconds`.
    """

    target: str
    client: httpx2.AsyncClient
    metrics: DependencyMetrics
    _: KW_ONLY
    operations: InitVar[Iterable[str]]
    breaker: Breaker
    retries: Retries
    try_seconds: float

    def __post_init__(self, operations: Iterable[str]) -> None:
        self.metrics.declare(self.target, operations)

    async def get(self, operation: str, path: str, read: Read[T], *, params: Mapping[str, str], within: float) -> T:
        """Sends a GET. `within` bounds all tries and pauses together, in seconds."""
        request = partial(self.client.stream, "GET", path, params=params)
        return await self._call(operation, request, read, within)

    async def post(
        self, operation: str, path: str, read: Read[T], *, json: Mapping[str, Any], idempotency_key: str, within: float
    ) -> T:
        """Sends a POST, which the service carries out once for each key. `within` is as for `get`."""
        headers = {"Idempotency-Key": idempotency_key}
        request = partial(self.client.stream, "POST", path, json=json, headers=headers)
        return await self._call(operation, request, read, within)

    async def _call(self, operation: str, request: _Request, read: Read[T], within: float) -> T:
        until = time.monotonic() + within

        async def once() -> T:
            with guarded(self.breaker, self.metrics, self.target, operation):
                return await self._try(request, read, min(self.try_seconds, until - time.monotonic()))

        return await self.retries.run(once, repeatable=_repeatable, until=until)

    async def _try(self, request: _Request, read: Read[T], seconds: float) -> T:
        try:
            async with asyncio.timeout(seconds):
                answer = await self._send(request)
        except (TimeoutError, httpx2.TimeoutException) as error:
            raise TimedOutError(f"The {self.target} service did not answer in time.") from error
        except httpx2.RequestError as error:
            kind: Kind = "body" if isinstance(error, httpx2.DecodingError) else "connection"
            raise self._no_answer(kind, type(error).__name__) from error
        return self._read(answer, read)

    async def _send(self, request: _Request) -> Answer:
        async with request() as response:
            status = response.status_code
            if status in _NO_ANSWERS or not (response.is_success or response.is_client_error):
                raise self._no_answer("status", f"status {status}", repeatable=status not in _NOT_REPEATED)
            content = bytearray()
            async for part in response.aiter_bytes():
                content += part
                if len(content) > MAX_ANSWER_BYTES:
                    raise self._no_answer("body", "a body that is too large", repeatable=False)
            return Answer(status, bytes(content))

    def _read(self, answer: Answer, read: Read[T]) -> T:
        try:
            return read(answer)
        except ValueError as error:
            raise self._no_answer("body", type(error).__name__, repeatable=False) from error

    def _no_answer(self, kind: Kind, what: str, *, repeatable: bool = True) -> NoAnswerError:
        message = f"The {self.target} service gave no usable answer: {what}."
        return NoAnswerError(message, kind=kind, repeatable=repeatable)


def _outcome(error: DomainError) -> str:
    """Returns which of CALL_OUTCOMES an error is; a refusal is an answer, and counts as `ok`."""
    match error:
        case BreakerOpenError():
            return "breaker_open"
        case TimedOutError():
            return "timeout"
        case NoAnswerError():
            return error.kind
    return "ok"


def _repeatable(error: Exception) -> bool:
    return isinstance(error, TimedOutError) or (isinstance(error, NoAnswerError) and error.repeatable)
