"""Base class of both journeys: starts visits on schedule, and sends each request once, timed from when it was due."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from time import perf_counter
from typing import Any, TypeVar
from urllib.parse import urlencode

from gevent import Timeout
from gevent.event import Event
from locust import FastHttpUser
from locust.contrib.fasthttp import FastHttpSession, ResponseContextManager
from locust.env import Environment

from loadtests import client_addresses
from loadtests.arrivals import Visit, arrival_times, run_visits
from loadtests.connections import Connections, transport_failure
from loadtests.options import Options
from loadtests.record import Failure, Record, RequestFailedError

Answer = TypeVar("Answer")

POOL_SIZE = 10
"""Connections kept open by each user: enough to reach every replica, few enough that each is reused."""


@dataclass(frozen=True)
class Request:
    """One request of a journey, and the status that the journey expects. `form` is sent URL-encoded."""

    step: str
    method: str
    path: str
    expect: int = 200
    json: Any = None
    form: Mapping[str, str] | None = None
    headers: Mapping[str, str] = field(default_factory=dict)


class LoadTest(Environment):
    """Locust's environment with the options, the record and the stop event of the run."""

    def __init__(self, options: Options, record: Record, user_classes: list[type["Client"]]) -> None:
        # With catch_exceptions, Locust logs an error and repeats the task, which restarts the schedule.
        super().__init__(user_classes=[*user_classes], host=options.host, catch_exceptions=False)
        self.options = options
        self.record = record
        self.stop = Event()
        """Set to start no further visits."""


class Client(FastHttpUser):
    abstract = True
    environment: LoadTest

    def __init__(self, environment: LoadTest) -> None:
        self.options, self.record = environment.options, environment.record
        self._sent = 0
        super().__init__(environment)
        self.client = self._session(POOL_SIZE)
        self.fresh = self._session(0)

    def _session(self, keep: int) -> FastHttpSession:
        return FastHttpSession(
            self.options.host,
            self.environment.events.request,
            self,
            client_pool=Connections(keep=keep, timeout=self.options.timeout),
            max_retries=0,
            max_redirects=0,
        )

    def _next_session(self) -> FastHttpSession:
        """Selects a fresh session whenever `share * sent` passes an integer, which spreads them evenly."""
        share, sent = self.options.fresh_share, self._sent
        self._sent += 1
        return self.fresh if int(share * (sent + 1)) > int(share * sent) else self.client

    def run_schedule(self, rate: float, visit: Visit) -> None:
        """Starts `rate` visits per second when they are due, records their lateness, and waits for all."""

        def begin(due: float, number: int) -> None:
            self.record.lateness.append(perf_counter() - due)
            visit(due, number)

        run_visits(arrival_times(rate, self.options.run_time), begin, self.environment.stop)

    def send(self, request: Request, due: float, read: Callable[[Any], Answer], client: int = 0) -> Answer | None:
        """Sends a request and returns what `read` extracts from the JSON response, or None if the request failed.

        `due` is on the clock of `perf_counter`; `client` is the number of the simulated client. `read` raises
        LookupError, TypeError or ValueError if the journey does not expect the body.
        """
        session = self._next_session()
        with Timeout(self.options.timeout):
            response = session.request(
                request.method,
                request.path,
                name=request.step,
                headers={**request.headers, **client_addresses.headers(client, self.options.clients)},
                json=request.json,
                data=urlencode(request.form) if request.form else None,
                catch_response=True,
            )
        with response:
            response.request_meta["response_time"] = (perf_counter() - due) * 1000
            try:
                answer = _answer(response, request.expect, read)
            except RequestFailedError as error:
                response.failure(error)  # type: ignore[no-untyped-call]
                return None
            response.success()  # type: ignore[no-untyped-call]
            return answer


def _answer(response: ResponseContextManager, expect: int, read: Callable[[Any], Answer]) -> Answer:
    status = response.status_code
    error = response.request_meta["exception"]
    if status >= 500:  # noqa: PLR2004 - server errors
        raise RequestFailedError(Failure.SERVER_ERROR, str(status))
    if status == 0 or (error is not None and status == expect):
        raise transport_failure(error)
    if status != expect:
        raise RequestFailedError(Failure.UNEXPECTED, f"answered {status}, not {expect}")
    try:
        return read(json.loads(response.content or b""))
    except (LookupError, TypeError, ValueError) as mistake:
        raise RequestFailedError(Failure.UNEXPECTED, f"answered {status}, but {mistake!r}") from mistake


def record_requests(record: Record) -> Callable[..., None]:
    """Creates a listener of Locust's request event, whose times are in milliseconds."""

    def on_request(name: str, response_time: float, exception: BaseException | None, **_: Any) -> None:
        record.request(name, response_time / 1000, exception if isinstance(exception, RequestFailedError) else None)

    return on_request
