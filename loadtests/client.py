"""What both journeys do: keep a timetable, and send a request once, timed from when it was due."""

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

from loadtests import origin
from loadtests.arrivals import Visit, keep, timetable
from loadtests.connections import Connections, transport_failure
from loadtests.options import Options
from loadtests.record import Failure, Record, RequestFailedError

Answer = TypeVar("Answer")

KEPT_CONNECTIONS = 10
"""Few enough that each is used many times, enough that every replica has some."""


@dataclass(frozen=True)
class Request:
    """A request of a journey's step, and the status that lets the journey go on. A form goes out URL-encoded."""

    step: str
    method: str
    path: str
    expect: int = 200
    json: Any = None
    form: Mapping[str, str] | None = None
    headers: Mapping[str, str] = field(default_factory=dict)


class LoadTest(Environment):
    """Locust's environment with what the users need beside it."""

    def __init__(self, options: Options, record: Record, user_classes: list[type["Client"]]) -> None:
        # Locust would log a user's error and run its task again: the timetable would begin anew.
        super().__init__(user_classes=[*user_classes], host=options.host, catch_exceptions=False)
        self.options = options
        self.record = record
        self.enough = Event()
        """Set when no further visit is to begin."""


class Client(FastHttpUser):
    abstract = True
    environment: LoadTest

    def __init__(self, environment: LoadTest) -> None:
        self.options, self.record = environment.options, environment.record
        self._sent = 0
        super().__init__(environment)
        self.client = self._session(KEPT_CONNECTIONS)
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
        """Spread the fresh share evenly: the whole part of `share * sent` steps up at each request that is fresh."""
        share, sent = self.options.fresh_share, self._sent
        self._sent += 1
        return self.fresh if int(share * (sent + 1)) > int(share * sent) else self.client

    def keep_timetable(self, rate: float, visit: Visit) -> None:
        """Begin `rate` visits per second when they are due, note how late that was, and wait for all."""

        def begin(due: float, number: int) -> None:
            self.record.lateness.append(perf_counter() - due)
            visit(due, number)

        keep(timetable(rate, self.options.run_time), begin, self.environment.enough)

    def send(self, request: Request, due: float, read: Callable[[Any], Answer], client: int = 0) -> Answer | None:
        """What `read` takes from the JSON of the expected answer, or None when the request failed.

        `due` is on the clock of `perf_counter`; `client` is the number of whom this stands for. `read` raises
        LookupError, TypeError or ValueError when the body is not what the journey expects.
        """
        session = self._next_session()
        with Timeout(self.options.timeout):
            response = session.request(
                request.method,
                request.path,
                name=request.step,
                headers={**request.headers, **origin.headers(client, self.options.clients)},
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
    """A listener for Locust's request event, in which times are milliseconds."""

    def on_request(name: str, response_time: float, exception: BaseException | None, **_: Any) -> None:
        record.request(name, response_time / 1000, exception if isinstance(exception, RequestFailedError) else None)

    return on_request
