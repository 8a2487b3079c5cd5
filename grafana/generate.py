"""`python -m grafana.generate` writes what is made from `slo.yaml`; `--check` tells whether it is up to date."""

import argparse
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from grafana.clock import Clock
from grafana.exported import buckets
from grafana.ruleset import as_yaml, rules
from grafana.service_dashboard import service_dashboard
from grafana.slo import SloError, Slos, load

ROOT: Final = Path(__file__).parents[1]


def outputs(slos: Slos) -> Mapping[str, str]:
    """The text of every file by its path below the project's root."""
    rules_text = as_yaml(rules(slos, Clock()))
    service = json.dumps(service_dashboard(slos), indent=2) + "\n"
    return {
        "grafana/rules/slo.yaml": rules_text,
        "grafana/dashboards/service.json": service,
        # The chart can only read files that lie inside it.
        "helm/binnacle/files/rules.yaml": rules_text,
        "helm/binnacle/files/dashboards/service.json": service,
    }


def differing(root: Path, files: Mapping[str, str]) -> list[str]:
    """The paths whose file is missing or holds another text."""
    return [
        path
        for path, text in files.items()
        if not (root / path).is_file() or (root / path).read_text(encoding="utf-8") != text
    ]


def main(arguments: list[str] | None = None, root: Path = ROOT) -> int:
    parser = _parser()
    options = parser.parse_args(arguments)
    if options.compress > 1 and not options.stdout:
        parser.error("--compress needs --stdout: only a test wants such rules, and they are not to be kept")
    try:
        slos = load(options.slos, buckets=buckets())
    except SloError as error:
        print(f"{options.slos or 'grafana/slo.yaml'}: {error}", file=sys.stderr)
        return 1
    if options.stdout:
        print(as_yaml(rules(slos, Clock(options.compress))), end="")
        return 0
    files = outputs(slos)
    if options.check:
        stale = differing(root, files)
        for path in stale:
            print(f"{path} is not what grafana/slo.yaml says: run `make generate`.", file=sys.stderr)
        return 1 if stale else 0
    for path, text in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text, encoding="utf-8")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m grafana.generate", description=__doc__)
    parser.add_argument("--slos", type=Path, metavar="FILE", help="another file than grafana/slo.yaml")
    mode = parser.add_mutually_exclusive_group()
    mode.add_argument("--check", action="store_true", help="write nothing; exit 1 and name the files that differ")
    mode.add_argument("--stdout", action="store_true", help="print the rules, write nothing")
    parser.add_argument(
        "--compress",
        type=_factor,
        default=1,
        metavar="N",
        help="with --stdout: windows N times shorter, for a test that waits for an alert (at 30, 1h becomes 2m)",
    )
    return parser


def _factor(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} must be a whole number of 1 or more")
    return int(text)


if __name__ == "__main__":
    sys.exit(main())
