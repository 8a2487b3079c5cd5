"""Draws the dashboards of one release into a page, from the data of a Prometheus server."""

import argparse
import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from grafana.arguments import whole_number
from grafana.look.page import Source, page
from grafana.look.prometheus import Prometheus, PrometheusError, Range
from grafana.look.variables import Variables

DASHBOARDS: Final = Path(__file__).parents[1] / "dashboards"
POINTS: Final = 240
FIRST: Final = "overview"


def main(arguments: list[str] | None = None) -> int:
    every = sorted((path.stem for path in DASHBOARDS.glob("*.json")), key=lambda name: (name != FIRST, name))
    parser = _parser(every)
    options = parser.parse_args(arguments)
    if unknown := sorted(set(options.boards) - set(every)):
        parser.error(f"there is no board {', '.join(unknown)}: choose from {', '.join(every)}")
    names = options.boards or every
    boards = [json.loads((DASHBOARDS / f"{name}.json").read_text(encoding="utf-8")) for name in names]
    end = int(time.time())
    over = Range(end - options.minutes * 60, end, max(options.minutes * 60 // POINTS, 1))
    variables = Variables(options.namespace, options.release, options.scrape_seconds)
    try:
        with Prometheus(options.prometheus) as prometheus:
            html = page(boards, Source(prometheus, variables, over), lambda title: print(title, file=sys.stderr))
    except PrometheusError as error:
        print(error, file=sys.stderr)
        return 1
    options.output.write_text(html, encoding="utf-8")
    print(f"{options.output}: open it in a browser; it loads nothing from outside.")
    return 0


def _parser(names: Sequence[str]) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m grafana.look", description=__doc__)
    parser.add_argument("boards", nargs="*", metavar="BOARD", help=f"{', '.join(names)}; default: all")
    parser.add_argument(
        "--prometheus", default="http://127.0.0.1:9090", metavar="URL", help="URL of Prometheus (%(default)s)"
    )
    parser.add_argument("--namespace", default="default", help="namespace of the release (%(default)s)")
    parser.add_argument("--release", default="shop", help="name of the release (%(default)s)")
    parser.add_argument("--minutes", type=whole_number, default=60, help="minutes to show, up to now (%(default)s)")
    parser.add_argument("--scrape-seconds", type=whole_number, default=15, help="its scrape interval (%(default)s)")
    parser.add_argument("--output", type=Path, default=Path("look.html"), help="file to write (%(default)s)")
    return parser


if __name__ == "__main__":
    sys.exit(main())
