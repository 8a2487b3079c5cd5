"""What customers feel of a trace back end that is gone, refuses, hangs or is slow, against one that is well: nothing.

Every request is recorded. All shops run at once and are asked in turn, a second each, in an order that is dealt anew;
nothing is left out. Of each round the 99th percentiles are compared with that of two healthy shops together, and the
median of five rounds counts. The two by themselves tell how much such a ratio is off by chance: where that is more than
half of what is to be shown, the run shows nothing, and leaves with 3.
"""

import argparse
import asyncio
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import get_args

import uvloop

from bench.client import Client, connected, content_length
from bench.processes import cpu_seconds, resident_megabytes
from bench.report import Figure, table
from bench.shops import an_item
from bench.telemetry_outages.backend import BackEnd
from bench.telemetry_outages.shops import Shop, open_shops

KINDS: tuple[BackEnd, ...] = get_args(BackEnd)
HEALTHY, CONTROL = KINDS[:2]
ROUNDS = 5
TURNS = 15  # of each shop in each round
TURN_SECONDS = 1.0
A_SECOND = 120  # requests: far from all that a shop can do
MOST = 1.2
MOST_BY_CHANCE = 1.1


class Round(dict[BackEnd, list[float]]):
    """Seconds of each request to each shop."""

    def p99(self, *kinds: BackEnd) -> float:
        """Of these shops together."""
        return statistics.quantiles([seconds for kind in kinds for seconds in self[kind]], n=100)[98]

    def ratio(self, kind: BackEnd) -> float:
        """The 99th percentile as a multiple of that of those that are well."""
        return self.p99(kind) / self.p99(HEALTHY, CONTROL)


async def compare(shops: Mapping[BackEnd, Shop], rounds: int) -> list[Round]:
    """Asks all of them in turn."""
    found = []
    dealt = random.Random(7)  # noqa: S311 -- an order, no secret
    async with AsyncExitStack() as stack:
        clients = {
            kind: await stack.enter_async_context(connected(shop.url, [an_item(shop.url)[0]], {}))
            for kind, shop in shops.items()
        }
        for client in clients.values():
            await _latencies(client)
        for number in range(rounds):
            sys.stderr.write(f"round {number + 1} of {rounds}\n")
            found.append(Round({kind: [] for kind in shops}))
            for _ in range(TURNS):
                for kind in dealt.sample(list(shops), len(shops)):
                    found[-1][kind] += await _latencies(clients[kind])
    return found


async def _latencies(client: Client) -> list[float]:
    """Of requests that come at their time, whether or not the one before was answered quickly."""
    seconds: list[float] = []
    began, pause = time.perf_counter(), len(client.connections) / A_SECOND

    async def ask(number: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        due = began + number / A_SECOND
        while due < began + TURN_SECONDS:
            await asyncio.sleep(due - time.perf_counter())
            writer.write(client.requests[0])
            await reader.readexactly(content_length(await reader.readuntil(b"\r\n\r\n")))
            seconds.append(time.perf_counter() - due)
            due += pause

    await asyncio.gather(*(ask(number, *pair) for number, pair in enumerate(client.connections)))
    return seconds


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.telemetry_outages", description=__doc__)
    parser.add_argument("--rounds", type=int, default=ROUNDS, help=f"of a minute and a half each ({ROUNDS})")
    rounds = parser.parse_args().rounds
    asked = rounds * TURNS * TURN_SECONDS
    with tempfile.TemporaryDirectory() as folder, open_shops(Path(folder), KINDS) as shops:
        used, began = {kind: cpu_seconds(shop.pid) for kind, shop in shops.items()}, time.monotonic()
        found = uvloop.run(compare(shops, rounds))
        took = time.monotonic() - began
        figures = [_compared(kind, found) for kind in KINDS]
        for kind, shop in shops.items():
            busy = f"{(cpu_seconds(shop.pid) - used[kind]) / asked:.0%}"
            figures.append(Figure(f"CPU when asked, {kind}", busy, None, None))
            figures.append(Figure(f"memory, {kind}", f"{resident_megabytes(shop.pid):.0f} MiB", None, None))
            figures.append(Figure(f"spans, {kind}", shop.spans(), None, None))
    sys.stdout.write(f"{table(figures)}\n\nin {took:.0f} s\n")
    control = statistics.median(one.p99(CONTROL) / one.p99(HEALTHY) for one in found)
    if not 1 / MOST_BY_CHANCE <= control <= MOST_BY_CHANCE:
        sys.stderr.write(
            f"of two healthy shops one is {control:.2f} of the other: the machine has too much else to do\n"
        )
        return 3
    return 1 if any(figure.holds is False for figure in figures) else 0


def _compared(kind: BackEnd, found: Sequence[Round]) -> Figure:
    ratios = [one.ratio(kind) for one in found]
    own, middle = statistics.median(one.p99(kind) for one in found) * 1000, statistics.median(ratios)
    told = f"{own:.1f} ms, {middle:.2f} of healthy ({min(ratios):.2f}..{max(ratios):.2f})"
    limited = kind not in (HEALTHY, CONTROL)
    return Figure(f"p99, {kind}", told, middle <= MOST if limited else None, f"≤ {MOST:g}" if limited else None)


if __name__ == "__main__":
    sys.exit(main())
