"""Runs the journeys under Locust. Import this module before others that open sockets: Locust patches sockets."""

import signal
from collections.abc import Callable
from time import perf_counter

import gevent
import locust  # noqa: F401 - patches sockets, so it comes first
from gevent.event import Event
from locust.contrib.fasthttp import ErrorResponse, FastHttpSession
from locust.event import EventHook

from loadtests.base_user import LoadTest, record_requests
from loadtests.connections import Connections, transport_failure
from loadtests.journeys import Browser, Buyer
from loadtests.options import Options
from loadtests.record import Record

PROGRESS_SECONDS = 5


class UnreachableError(Exception):
    """No service answers at the host; the message says what to start."""


def run(options: Options, progress: Callable[[Record, float], None]) -> Record:
    """Sends load for the run time, then polls until every order is final or has timed out.

    Calls `progress` every five seconds with the seconds since the start. Raises UnreachableError, and
    KeyboardInterrupt on SIGINT and SIGTERM.
    """
    _check_reachable(options)
    record = Record()
    users = [*([Browser] if options.rate else []), *([Buyer] if options.order_rate else [])]
    test = LoadTest(options, record, users)
    test.events.request.add_listener(record_requests(record))  # type: ignore[no-untyped-call]
    runner = test.create_local_runner()
    begin = perf_counter()
    reporter = gevent.spawn(_report, progress, record)
    gevent.spawn(_record_early_end, test, begin)
    # Without a handler Python raises KeyboardInterrupt in an arbitrary greenlet.
    interrupted = Event()
    gevent.signal_handler(signal.SIGINT, interrupted.set)
    gevent.signal_handler(signal.SIGTERM, interrupted.set)
    gevent.signal_handler(signal.SIGUSR1, test.stop.set)
    try:
        runner.start(len(users), spawn_rate=len(users))
        gevent.joinall([runner.spawning_greenlet], raise_error=True)
        journeys = gevent.spawn(gevent.joinall, list(runner.user_greenlets), raise_error=True)
        gevent.wait([journeys, interrupted], count=1)
        if interrupted.is_set():
            raise KeyboardInterrupt
        journeys.get()
    finally:
        reporter.kill()
        runner.quit()
    return record


def _record_early_end(test: LoadTest, begin: float) -> None:
    """Records for how long visits started, if the run is ended early."""
    test.stop.wait()
    test.record.loaded_seconds = min(test.options.run_time, perf_counter() - begin)


def _report(progress: Callable[[Record, float], None], record: Record) -> None:
    begin = perf_counter()
    while True:
        gevent.sleep(PROGRESS_SECONDS)
        progress(record, perf_counter() - begin)


def _check_reachable(options: Options) -> None:
    connections = Connections(keep=0, timeout=options.timeout)
    ignored = EventHook()  # type: ignore[no-untyped-call]
    session = FastHttpSession(options.host, ignored, None, client_pool=connections, max_retries=0, max_redirects=0)
    answer = session.get("/livez")
    if isinstance(answer, ErrorResponse) and answer.error:
        raise UnreachableError(
            f"No service answers at {options.host} ({transport_failure(answer.error)}): start it with `make run`, or"
            " pass its URL with --host.",
        )
    if answer.status_code == 404:  # noqa: PLR2004 - not found
        raise UnreachableError(
            f"The service at {options.host} is not Binnacle (it has no /livez): start Binnacle with `make run`, or pass"
            " its URL with --host.",
        )
