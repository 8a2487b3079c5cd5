"""Command-line options of the load test."""

import argparse
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from grafana.slo_file import FILE, Objective, SloError, load
from loadtests.client_addresses import ADDRESSES
from loadtests.verdict import ORDERS, measurable

UNITS: Final = {"": 1, "s": 1, "m": 60, "h": 3600}
DESCRIPTION: Final = """\
Sends load to a running Binnacle and checks it against the objectives of grafana/slo.yaml.

Browsers list items, page through them and read one: --rate requests per second. Buyers place --order-rate orders per
second and poll each until it is paid or failed; the polls are not part of --rate. Requests are sent when they are due,
even if earlier ones are still unanswered, and latency counts from the time a request was due. No request is retried.

The service limits requests per client address. With --clients, requests carry the addresses of that many clients (from
198.18.0.0/15, reserved for load tests) in X-Forwarded-For; the service must list this machine as a trusted proxy."""
EPILOG: Final = """\
SIGUSR1 ends the load early: open orders are still polled, and the verdict is printed.

exit status: 0 all objectives hold; 1 an objective is missed or was not measured, or a journey got an unexpected
response; 2 the command line is invalid or no service answers at --host."""


@dataclass(frozen=True)
class Options:
    """Options of one run: rates per second, times in seconds; `json` is a path, `-` or None."""

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
    """Parses the command line; prints how to correct an invalid one and exits with 2."""
    parser = argparse.ArgumentParser(
        prog="python -m loadtests",
        description=DESCRIPTION,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    add = parser.add_argument
    add("--host", type=_host, default="http://127.0.0.1:8000", metavar="URL", help="URL of the service (%(default)s)")
    add("--rate", type=_rate, default=50.0, metavar="N", help="requests per second of browsers (%(default)g)")
    add("--order-rate", type=_rate, default=2.0, metavar="N", help="orders per second (%(default)g); 0 places none")
    add(
        "--run-time",
        type=_seconds,
        default=40.0,
        metavar="TIME",
        help="duration of the load, such as 40, 5m or 1h (40)",
    )
    add(
        "--fresh-share",
        type=_share,
        default=0.5,
        metavar="SHARE",
        help="share of requests on new connections, 0 to 1 (0.5)",
    )
    add("--timeout", type=_seconds, default=10.0, metavar="TIME", help="timeout of a request (10)")
    add(
        "--order-timeout",
        type=_seconds,
        default=30.0,
        metavar="TIME",
        help="stop polling an order after this time (30)",
    )
    add("--clients", type=_clients, default=0, metavar="N", help="number of simulated client addresses (0: its own)")
    add("--slo", type=Path, default=FILE, metavar="FILE", help="file of objectives (grafana/slo.yaml)")
    add("--json", metavar="FILE", help="also write the result as JSON; - writes one line to standard output")
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
        option, timeout = ("--order-timeout", given.order_timeout) if is_orders else ("--timeout", given.timeout)
        if timeout <= threshold:
            parser.error(f"{option} must be above {threshold:g} seconds, the threshold of {objective.name}.")
    return Options(**{key: value for key, value in vars(given).items() if key != "slo"}, objectives=objectives)


def _host(text: str) -> str:
    try:
        parts = urlsplit(text)
        valid = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:
        valid = False
    if not valid or parts.path.strip("/") or parts.query or parts.fragment or parts.username is not None:
        raise argparse.ArgumentTypeError(f"{text!r} is not an address such as http://127.0.0.1:8000")
    return text.rstrip("/")


def _number(text: str) -> float:
    if not re.fullmatch(r"\d+(\.\d+)?", text):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number such as 5 or 0.5")
    return float(text)


def _rate(text: str) -> float:
    if (rate := _number(text)) > 10_000:  # noqa: PLR2004 - far more than one process can send
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
