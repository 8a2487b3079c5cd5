"""The command line."""

import argparse
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from grafana.slo import FILE, Objective, SloError, load
from loadtests.origin import ADDRESSES
from loadtests.verdict import ORDERS, measurable

UNITS: Final = {"": 1, "s": 1, "m": 60, "h": 3600}
DESCRIPTION: Final = """\
Loads a running Binnacle and judges it by the objectives of grafana/slo.yaml.

Browsers list items, turn pages and read one: --rate requests per second. Buyers place --order-rate orders per second
and read each until it is paid or failed; these requests come on top. Requests are sent when they are due, whether or
not earlier ones were answered, and latency counts from when a request was due. Nothing is ever sent twice.

One address may ask only so often. With --clients this process stands for a proxy of that many clients, each with an
address of its own (from 198.18.0.0/15, kept for load tests) in X-Forwarded-For; the service must trust it to be one."""
EPILOG: Final = """\
SIGUSR1 ends the load before its time and leaves the rest as it is: orders are followed, the verdict is told.

exit status: 0 all objectives hold; 1 an objective is missed or was not measured, or an answer was not what a journey
expects; 2 the command line is wrong or nothing answers at --host."""


@dataclass(frozen=True)
class Options:
    """How to load, in requests and orders per second and in seconds; `json` is a path, `-` or None."""

    host: str
    rate: float
    order_rate: float
    run_time: float
    fresh_share: float
    timeout: float
    order_timeout: float
    clients: int
    objectives: tuple[Objective, ...]
    json: str | None


def parse(arguments: Sequence[str] | None = None) -> Options:
    """Read the command line; on a mistake say what to give instead and exit with 2."""
    parser = argparse.ArgumentParser(
        prog="python -m loadtests",
        description=DESCRIPTION,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    add = parser.add_argument
    add("--host", type=_host, default="http://127.0.0.1:8000", metavar="URL", help="the service (%(default)s)")
    add("--rate", type=_rate, default=50.0, metavar="N", help="browsers' requests per second (50)")
    add("--order-rate", type=_rate, default=2.0, metavar="N", help="orders per second (2); 0 places none")
    add("--run-time", type=_seconds, default=40.0, metavar="TIME", help="how long to load, as 40, 5m or 1h (40)")
    add("--fresh-share", type=_share, default=0.5, metavar="SHARE", help="of requests on new connections, 0 to 1 (0.5)")
    add("--timeout", type=_seconds, default=10.0, metavar="TIME", help="after which a request has failed (10)")
    add("--order-timeout", type=_seconds, default=30.0, metavar="TIME", help="after which an order is given up (30)")
    add("--clients", type=_clients, default=0, metavar="N", help="distinct clients to stand for (0: be one itself)")
    add("--slo", type=Path, default=FILE, metavar="FILE", help="the objectives (grafana/slo.yaml)")
    add("--json", metavar="FILE", help="also write the result as JSON; - is one line on standard output")
    given = parser.parse_args(arguments)
    if not given.rate and not given.order_rate:
        parser.error("--rate and --order-rate are both 0: nothing would be measured.")
    if given.json not in (None, "-") and not Path(given.json).absolute().parent.is_dir():
        parser.error(f"--json {given.json}: there is no such folder.")
    try:
        objectives = measurable(load(given.slo).objectives)
    except OSError as error:
        parser.error(f"--slo {given.slo}: {error.strerror}.")
    except SloError as error:
        parser.error(f"--slo {given.slo}: {error}")
    for objective in objectives:
        threshold = objective.threshold_seconds or 0
        is_orders = any(source.name == ORDERS for source in objective.sources)
        option, patience = ("--order-timeout", given.order_timeout) if is_orders else ("--timeout", given.timeout)
        if patience <= threshold:
            parser.error(f"{option} must be above {threshold:g} seconds, the threshold of {objective.name}.")
    return Options(**{key: value for key, value in vars(given).items() if key != "slo"}, objectives=objectives)


def _host(text: str) -> str:
    try:
        parts = urlsplit(text)
        sound = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:
        sound = False
    if not sound or parts.path.strip("/") or parts.query or parts.fragment or parts.username is not None:
        raise argparse.ArgumentTypeError(f"{text!r} is not an address such as http://127.0.0.1:8000")
    return text.rstrip("/")


def _number(text: str) -> float:
    if not re.fullmatch(r"\d+(\.\d+)?", text):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number such as 5 or 0.5")
    return float(text)


def _rate(text: str) -> float:
    if (rate := _number(text)) > 10_000:  # noqa: PLR2004 - far above what one process can send
        raise argparse.ArgumentTypeError(f"{text} per second is more than one process can send: 10000 at most")
    return rate


def _clients(text: str) -> int:
    if not re.fullmatch(r"\d+", text) or (clients := int(text)) > ADDRESSES:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 0 to {ADDRESSES}")
    return clients


def _share(text: str) -> float:
    if (share := _number(text)) > 1:
        raise argparse.ArgumentTypeError(f"{text} is not between 0 and 1")
    return share


def _seconds(text: str) -> float:
    match = re.fullmatch(r"(\d+(?:\.\d+)?)([smh]?)", text)
    if not match or not (seconds := float(match[1]) * UNITS[match[2]]):
        raise argparse.ArgumentTypeError(f"{text!r} is not a time above zero such as 40, 5m or 1h")
    return seconds
