"""Measures the server's CPU time for each request: a bare FastAPI route, our telemetry in steps, and two peers."""

import argparse
import asyncio
import os
import platform
import statistics
import sys
import time
from collections.abc import Sequence

from bench.telemetry.checks import check
from bench.telemetry.rounds import measure
from bench.telemetry.servers import Bench, open_bench
from bench.telemetry.table import missed, profile_table, table
from bench.telemetry.variants import VARIANTS, YARDSTICK

ROUNDS = 5
REQUESTS = 3000
_EPILOG = """\
exit code: 0 all goals hold, 1 one is missed, 2 wrong arguments, 3 it could not be measured
variants:
"""


async def main(arguments: argparse.Namespace) -> int:
    skipped = {name: why for name in arguments.variants if (why := VARIANTS[name].missing()) is not None}
    names = [name for name in arguments.variants if name not in skipped]
    began = time.monotonic()

    def tell(what: str) -> None:
        sys.stderr.write(f"{time.monotonic() - began:4.0f} s  {what}\n")

    tell(f"starting {len(names)} servers")
    async with open_bench(names, lines_to=arguments.lines) as bench:
        tell("warming up, and checking that each server does what the table states")
        for name in names:
            await check(bench, name, lines_counted=arguments.lines == "pipe")
        if arguments.profile:
            tell(f"profiling {arguments.profile}")
            print(await _profile(bench, arguments.profile, arguments.requests))  # noqa: T201
            return 0
        spent = await measure(bench, rounds=arguments.rounds, requests=arguments.requests, report=tell)
    tell("done")
    print(f"{table(spent, skipped)}\n\n{_machine()}")  # noqa: T201
    return 1 if missed(spent) else 0


async def _profile(bench: Bench, name: str, requests: int) -> str:
    """Profiles many requests; returns the samples, scaled to the time of one request without the profiler."""
    spent = await measure(bench, rounds=3, requests=requests, report=lambda _: None)
    server = bench.servers[name]
    server.process.ask("profile")
    await server.load(10 * requests)
    server.flush()
    return profile_table(name, server.process.ask("profiled"), statistics.median(spent[name].micro()))


def _machine() -> str:
    """Describes the machine, on which the figures depend."""
    load = " ".join(f"{one:.1f}" for one in os.getloadavg())
    return f"Python {platform.python_version()}, {os.cpu_count()} processors, load average {load}"


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m bench.telemetry",
        description=f"{__doc__} Methods and figures: docs/telemetry-cost.md",
        epilog=_EPILOG + "\n".join(f"  {name:<15} {variant.what}" for name, variant in VARIANTS.items()),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--rounds", type=_some, default=ROUNDS, help=f"number of rounds; the result is their median ({ROUNDS})"
    )
    parser.add_argument(
        "--requests",
        type=_some,
        default=REQUESTS,
        help=f"number of requests to each variant in each round ({REQUESTS})",
    )
    parser.add_argument(
        "--variants",
        type=_names,
        default=list(VARIANTS),
        metavar="NAME,NAME",
        help=f"variants to measure (all); {YARDSTICK} is always included",
    )
    parser.add_argument(
        "--lines",
        choices=["pipe", "null"],
        default="pipe",
        help="destination of the log: a pipe that another process reads, as in a container, or /dev/null",
    )
    parser.add_argument(
        "--profile",
        choices=[name for name, variant in VARIANTS.items() if variant.missing() is None],
        metavar="NAME",
        help="profile one variant by function instead, with 10 times the requests",
    )
    arguments = parser.parse_args()
    if arguments.profile:
        arguments.variants = list(dict.fromkeys([YARDSTICK, arguments.profile]))
    return arguments


def _some(text: str) -> int:
    count = int(text)
    if count < 1:
        raise argparse.ArgumentTypeError("must be 1 or more")
    return count


def _names(text: str) -> Sequence[str]:
    names = text.split(",")
    unknown = [name for name in names if name not in VARIANTS]
    if unknown:
        raise argparse.ArgumentTypeError(f"unknown variant {', '.join(unknown)}; `--help` lists the variants")
    return list(dict.fromkeys([YARDSTICK, *names]))


if __name__ == "__main__":
    try:
        sys.exit(asyncio.run(main(_arguments())))
    except RuntimeError as error:
        sys.stderr.write(f"bench.telemetry: {error}\n")
        sys.exit(3)
