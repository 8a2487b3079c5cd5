"""Constant arrival: visits begin when they are due, however slow the answers to earlier ones are."""

from collections.abc import Callable, Iterable, Iterator
from itertools import count, takewhile
from time import perf_counter

import gevent
from gevent.event import Event
from gevent.pool import Group

Visit = Callable[[float, int], None]
"""Called with when the visit is due, on the clock of `perf_counter`, and its number from 0."""


def timetable(rate: float, run_time: float) -> Iterator[float]:
    """When visits are due, in seconds from the start: `rate` per second while `run_time` lasts."""
    return takewhile(lambda due: due < run_time, (number / rate for number in count())) if rate else iter(())


def keep(dues: Iterable[float], visit: Visit, enough: Event) -> None:
    """Begin each visit when it is due, until `enough` is set, and wait for all; a visit's error is raised then."""
    begin = perf_counter()
    visits, broken = Group(), list[gevent.Greenlet]()
    for number, offset in enumerate(dues):
        due = begin + offset
        if enough.wait(max(0.0, due - perf_counter())):
            break
        gevent.sleep(0)  # a wait that is over at once lets nobody else run
        visits.spawn(visit, due, number).link_exception(broken.append)
    visits.join()
    for greenlet in broken:
        greenlet.get()
