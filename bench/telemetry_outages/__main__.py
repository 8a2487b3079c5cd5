"""Shows that a trace back end that is down, failing, hanging or slow does not slow requests.

Every request is traced. All shops run at once and receive requests for one second each, in a random order; no request
is discarded. In each round the 99th percentile of each shop is compared with that of two healthy shops together, and
the median of five rounds counts. The ratio between the two healthy shops shows the noise: if it exceeds half of the
allowed difference, the run is inconclusive and exits with 3.
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
SLICES = 15  # of each shop in each round
SLICE_SECONDS = 1.0
RATE = 120  # requests per second, far below the capacity of a shop
MAX_RATIO = 1.2
MAX_NOISE = 1.1


class Round(dict[BackEnd, list[float]]):
    """Latencies in seconds of the requests of one round, by kind of back end."""

    def p99(self, *kinds: BackEnd) -> float:
        """Returns the 99th percentile over these shops together, in seconds."""
        return statistics.quantiles([seconds for kind in kinds for seconds in self[kind]], n=100)[98]

    def ratio(self, kind: BackEnd) -> float:
        """Returns the 99th percentile relative to that of the healthy shops."""
        return self.p99(kind) / self.p99(HEALTHY, CONTROL)


async def compare(shops: Mapping[BackEnd, Shop], rounds: int) -> list[Round]:
    """Sends requests to all shops in random order and returns the latencies of each round."""
    found = []
    order = random.Random(7)  # noqa: S311 -- not a secret
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
            for _ in range(SLICES):
                for kind in order.sample(list(shops), len(shops)):
                    found[-1][kind] += await _latencies(clients[kind])
    return found


async def _latencies(client: Client) -> list[float]:
    """Returns latencies of requests sent at a constant rate per connection."""
    seconds: list[float] = []
    began, pause = time.perf_counter(), len(client.connections) / RATE

    async def ask(number: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        due = began + number / RATE
        while due < began + SLICE_SECONDS:
            await asyncio.sleep(due - time.perf_counter())
            writer.write(client.requests[0])
            await reader.readexactly(content_length(await reader.readuntil(b"\r\n\r\n")))
            seconds.append(time.perf_counter() - due)
            due += pause

    await asyncio.gather(*(ask(number, *pair) for number, pair in enumerate(client.connections)))
    return seconds


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.telemetry_outages", description=__doc__)
    parser.add_argument("--rounds", type=int, default=ROUNDS, help=f"number of rounds, 90 seconds each ({ROUNDS})")
    rounds = parser.parse_args().rounds
    loaded_seconds = rounds * SLICES * SLICE_SECONDS
    with tempfile.TemporaryDirectory() as folder, open_shops(Path(folder), KINDS) as shops:
        used, began = {kind: cpu_seconds(shop.pid) for kind, shop in shops.items()}, time.monotonic()
        found = uvloop.run(compare(shops, rounds))
        took = time.monotonic() - began
        figures = [_compared(kind, found) for kind in KINDS]
        for kind, shop in shops.items():
            busy = f"{(cpu_seconds(shop.pid) - used[kind]) / loaded_seconds:.0%}"
            figures.append(Figure(f"CPU under load, {kind}", busy, None, None))
            figures.append(Figure(f"memory, {kind}", f"{resident_megabytes(shop.pid):.0f} MiB", None, None))
            figures.append(Figure(f"spans, {kind}", shop.spans(), None, None))
    sys.stdout.write(f"{table(figures)}\n\nin {took:.0f} s\n")
    control = statistics.median(one.p99(CONTROL) / one.p99(HEALTHY) for one in found)
    if not 1 / MAX_NOISE <= control <= MAX_NOISE:
        sys.stderr.write(
            f"inconclusive: the two healthy shops differ by a factor of {control:.2f}; stop other work here\n"
        )
        return 3
    return 1 if any(figure.holds is False for figure in figures) else 0


def _compared(kind: BackEnd, found: Sequence[Round]) -> Figure:
    ratios = [one.ratio(kind) for one in found]
    own, middle = statistics.median(one.p99(kind) for one in found) * 1000, statistics.median(ratios)
    result = f"{own:.1f} ms, {middle:.2f} of healthy ({min(ratios):.2f}..{max(ratios):.2f})"
    limited = kind not in (HEALTHY, CONTROL)
    return Figure(
        f"p99, {kind}", result, middle <= MAX_RATIO if limited else None, f"≤ {MAX_RATIO:g}" if limited else None
    )


if __name__ == "__main__":
    sys.exit(main())
