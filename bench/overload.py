"""Goodput under overload: item lists of an embedded shop, requested at a constant rate.

The knee is the highest rate at which nearly all requests are answered within the latency objective. Server and
generator are pinned to different cores, so that neither slows the other.
"""

import asyncio
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import takewhile
from pathlib import Path

from bench.client import fire
from bench.open_loop import LOST, Answer, Generator, open_generator
from bench.report import Figure
from bench.shops import open_shops
from grafana.slo_file import load

PATH = "/api/v1/items"
OK, REFUSED = 200, 503
WARM_UP = 3000
SHARES = [share / 100 for share in range(50, 131, 8)]  # of the closed-loop rate
STEP_SECONDS = 3.0
OVERLOAD_SECONDS = 10.0
AFTER_SECONDS = 5.0
CALM = 0.6  # of the knee, after the overload
SLICE_SECONDS = 0.25
NEARLY_ALL = 0.99
GOODPUT = 0.85
REFUSAL_SECONDS = 0.02
RECOVERY_SECONDS = 2.0


def measure(folder: Path, python: str) -> list[Figure]:
    """Finds the knee, sends 2 and 4 times its rate, then less than its rate to measure recovery."""
    objective = _objective()
    with _pinned() as generate, open_shops(folder, python) as shops:
        _, url = shops.embedded()
        generate()
        closed = asyncio.run(_closed_loop(url))
        with open_generator(url, PATH) as generator:
            knee = _knee(generator, closed, objective)
            figures = [Figure("lists of items, closed loop", f"{closed:.0f}/s", None, None)]
            figures.append(Figure("knee", f"{knee:.0f}/s", knee > 0, f"{NEARLY_ALL:.0%} within {objective:g} s"))
            for factor in (2, 4):
                if knee:
                    figures += _overload(generator, knee, factor, objective)
    return figures


def _objective() -> float:
    """Returns the threshold of the latency objective in seconds."""
    return next(one.threshold_seconds for one in load().objectives if one.name == "latency" and one.threshold_seconds)


async def _closed_loop(url: str) -> float:
    """Returns requests per second of a closed loop over a few connections."""
    await fire(url, [PATH], WARM_UP, {})
    loop = asyncio.get_running_loop()
    began = loop.time()
    await fire(url, [PATH], WARM_UP, {})
    return WARM_UP / (loop.time() - began)


def _knee(generator: Generator, closed: float, objective: float) -> float:
    def serves(rate: float) -> bool:
        return any(_share_in_time(generator.run((rate, STEP_SECONDS)), objective) >= NEARLY_ALL for _ in range(2))

    return max(takewhile(serves, [closed * share for share in SHARES]), default=0.0)


def _overload(generator: Generator, knee: float, factor: int, objective: float) -> Iterator[Figure]:
    answers = generator.run((factor * knee, OVERLOAD_SECONDS), (CALM * knee, AFTER_SECONDS))
    during = [answer for answer in answers if answer.due < OVERLOAD_SECONDS]
    after = [answer for answer in answers if answer.due >= OVERLOAD_SECONDS]
    good = _share_in_time(during, objective) * len(during) / OVERLOAD_SECONDS / knee
    served = [answer.seconds for answer in during if answer.status == OK]
    refused = [answer.seconds for answer in during if answer.status == REFUSED]
    lost = sum(answer.status == LOST for answer in answers)
    late = _percentile([answer.late for answer in during], 99)
    name, refusal, recovery = f"at {factor} times the knee", _percentile(refused, 99), _recovery(after, objective)
    times = f"p50 {_percentile(served, 50) * 1000:.0f} ms, p99 {_percentile(served, 99) * 1000:.0f} ms"
    yield Figure(
        f"{name}: answered within {objective:g} s",
        f"{good:.0%} of the knee's rate ({times}; {lost} lost)",
        good >= GOODPUT,
        f"≥ {GOODPUT:.0%}",
    )
    yield Figure(
        f"{name}: refusals, p99",
        f"{refusal * 1000:.1f} ms, of which the generator {late * 1000:.1f} ms; {len(refused)} refused",
        refusal < REFUSAL_SECONDS,
        f"< {REFUSAL_SECONDS * 1000:g} ms",
    )
    yield Figure(f"{name}: recovery", f"{recovery:.2f} s", recovery <= RECOVERY_SECONDS, f"≤ {RECOVERY_SECONDS:g} s")


def _share_in_time(answers: Sequence[Answer], objective: float) -> float:
    return sum(answer.status == OK and answer.seconds <= objective for answer in answers) / max(1, len(answers))


def _recovery(answers: Sequence[Answer], objective: float) -> float:
    """Returns seconds from the end of the overload until nearly all requests are answered in time."""
    bad = -1
    for number in range(int(AFTER_SECONDS / SLICE_SECONDS)):
        begin = OVERLOAD_SECONDS + number * SLICE_SECONDS
        within = [answer for answer in answers if begin <= answer.due < begin + SLICE_SECONDS]
        if _share_in_time(within, objective) < NEARLY_ALL:
            bad = number
    return (bad + 1) * SLICE_SECONDS


def _percentile(values: Sequence[float], percent: float) -> float:
    """Returns 0 for no values."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * percent / 100))] if ordered else 0.0


@contextmanager
def _pinned() -> Iterator[Callable[[], None]]:
    """Pins this process and its children to one core; yields a function that moves this process to the others."""
    cores = sorted(os.sched_getaffinity(0))
    os.sched_setaffinity(0, cores[:1])
    try:
        yield lambda: os.sched_setaffinity(0, cores[1:] or cores)
    finally:
        os.sched_setaffinity(0, cores)
