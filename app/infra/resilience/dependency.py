"""Calls of other services: bounded in time, repeated where that is safe, and given up on while they fail."""

import asyncio
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from functools import partial
from http import HTTPStatus
from typing import Any, Final, Literal, TypeVar

import httpx2

from app.errors import DomainError, TimedOutError, UnavailableError
from app.infra.resilience.circuit_breaker import Breaker, BreakerOpenError
from app.infra.resilience.retry import Retries
from app.telemetry.metrics import DependencyMetrics

T = TypeVar("T")
LARGEST_ANSWER_BYTES: Final = 1_000_000
# Of these the first three say that the caller's key is wrong, whatever it asks for: a person has to put that right.
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
    """A response with a status of 2xx or 4xx by which the service says that it has understood and decided.

    401, 403, 407, 408 and 429 say nothing of what was asked for, and are no answer.
    """

    status: int
    content: bytes


Kind = Literal["connection", "status", "body"]
Read = Callable[[Answer], T]


class NoAnswerError(UnavailableError):
    """The service gave no usable answer; what was asked of it may be done all the same."""

    def __init__(self, message: str, *, kind: Kind, repeatable: bool) -> None:
        super().__init__(message)
        self.kind = kind
        self.repeatable = repeatable


class Dependency:
    """One service, or one part of it that fails by itself, with its breaker and its retries.

    `read` makes a value of an answer, or raises the DomainError that it means, or ValueError when it makes no sense.
    Where no answer comes, TimedOutError, NoAnswerError or BreakerOpenError is raised, each an UnavailableError; only
    with the last it is certain that nothing was sent. A single try takes `try_seconds` at most.
    """

    def __init__(
        self,
        target: str,
        client: httpx2.AsyncClient,
        metrics: DependencyMetrics,
        *,
        operations: Iterable[str],
        breaker: Breaker,
        retries: Retries,
        try_seconds: float,
    ) -> None:
        self._target = target
        self._client = client
        self._metrics = metrics
        self.breaker = breaker
        self._retries = retries
        self._try_seconds = try_seconds
        metrics.declare(target, operations)

    async def get(self, operation: str, path: str, read: Read[T], *, params: Mapping[str, str], within: float) -> T:
        """Asks for something, for `within` seconds at most, all tries and pauses included."""
        request = partial(self._client.stream, "GET", path, params=params)
        return await self._call(operation, request, read, within)

    async def post(
        self, operation: str, path: str, read: Read[T], *, json: Mapping[str, Any], idempotency_key: str, within: float
    ) -> T:
        """Has something done, once for each key; `within` as with `get`."""
        headers = {"Idempotency-Key": idempotency_key}
        request = partial(self._client.stream, "POST", path, json=json, headers=headers)
        return await self._call(operation, request, read, within)

    async def _call(self, operation: str, request: _Request, read: Read[T], within: float) -> T:
        until = time.monotonic() + within

        async def once() -> T:
            try:
                with self.breaker.watching():
                    return await self._try(operation, request, read, min(self._try_seconds, until - time.monotonic()))
            except BreakerOpenError:
                self._metrics.requests.labels(self._target, operation, "breaker_open").inc()
                raise

        return await self._retries.run(once, repeatable=_repeatable, until=until)

    async def _try(self, operation: str, request: _Request, read: Read[T], seconds: float) -> T:
        """One try, counted unless it is cancelled or breaks for a reason of our own."""
        started = time.perf_counter()
        outcome: str | None = None
        try:
            async with asyncio.timeout(seconds):
                answer = await self._send(request)
            value = self._read(answer, read)
            outcome = "ok"
        except (TimeoutError, httpx2.TimeoutException) as error:
            outcome = "timeout"
            raise TimedOutError(f"The {self._target} service did not answer in time.") from error
        except httpx2.RequestError as error:
            kind: Kind = "body" if isinstance(error, httpx2.DecodingError) else "connection"
            failure = self._no_answer(kind, type(error).__name__)
            outcome = failure.kind
            raise failure from error
        except NoAnswerError as failure:
            outcome = failure.kind
            raise
        except DomainError:
            outcome = "ok"
            raise
        finally:
            if outcome is not None:
                self._metrics.requests.labels(self._target, operation, outcome).inc()
                self._metrics.duration.labels(self._target, operation).observe(time.perf_counter() - started)
        return value

    async def _send(self, request: _Request) -> Answer:
        async with request() as response:
            status = response.status_code
            if status in _NO_ANSWERS or not (response.is_success or response.is_client_error):
                raise self._no_answer("status", f"status {status}", repeatable=status not in _NOT_REPEATED)
            content = bytearray()
            async for part in response.aiter_bytes():
                content += part
                if len(content) > LARGEST_ANSWER_BYTES:
                    raise self._no_answer("body", "a body that is too large", repeatable=False)
            return Answer(status, bytes(content))

    def _read(self, answer: Answer, read: Read[T]) -> T:
        try:
            return read(answer)
        except ValueError as error:
            raise self._no_answer("body", type(error).__name__, repeatable=False) from error

    def _no_answer(self, kind: Kind, what: str, *, repeatable: bool = True) -> NoAnswerError:
        message = f"The {self._target} service gave no usable answer: {what}."
        return NoAnswerError(message, kind=kind, repeatable=repeatable)


def _repeatable(error: Exception) -> bool:
    return isinstance(error, TimedOutError) or (isinstance(error, NoAnswerError) and error.repeatable)
