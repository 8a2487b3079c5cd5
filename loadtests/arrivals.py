"""Constant arrival rate: each visit begins when it is due, even if earlier visits still wait for responses."""

from collections.abc import Callable, Iterable, Iterator
from itertools import count, takewhile
from time import perf_counter

import gevent
from gevent.event import Event
from gevent.pool import Group

Visit = Callable[[float, int], None]
"""Function called with the time the visit is due, on the clock of `perf_counter`, and its number from 0."""


def arrival_times(rate: float, run_time: float) -> Iterator[float]:
    """Yields when visits are due, in seconds after the start: `rate` per second for `run_time` seconds."""
    return takewhile(lambda due: due < run_time, (number / rate for number in count())) if rate else iter(())


def run_visits(dues: Iterable[float], visit: Visit, stop: Event) -> None:
    """Starts each visit when it is due, until `stop` is set, then waits for all and raises the first error."""
    begin = perf_counter()
    visits, failed = Group(), list[gevent.Greenlet]()
    for number, offset in enumerate(dues):
        due = begin + offset
        if stop.wait(max(0.0, due - perf_counter())):
            break
        gevent.sleep(0)  # a wait that ends at once does not switch to other greenlets
        visits.spawn(visit, due, number).link_exception(failed.append)
    visits.join()
    for greenlet in failed:
        greenlet.get()
