"""Writes the rules and dashboards generated from `slo.yaml`; `--check` fails if the files differ."""

import argparse
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from grafana.arguments import whole_number
from grafana.clock import Clock
from grafana.dashboards import dashboards
from grafana.exported import buckets
from grafana.ruleset import as_yaml, rules
from grafana.slo_file import SloError, Slos, load

ROOT: Final = Path(__file__).parents[1]


def outputs(slos: Slos) -> Mapping[str, str]:
    """Returns the text of every generated file by its path below the project's root."""
    rules_text = as_yaml(rules(slos, Clock()))
    files = {"rules/slo.yaml": rules_text}
    files |= {f"dashboards/{name}.json": json.dumps(board, indent=2) + "\n" for name, board in dashboards(slos).items()}
    # Helm reads only files inside the chart.
    in_chart = {name.replace("rules/slo.yaml", "rules.yaml"): text for name, text in files.items()}
    return {f"grafana/{name}": text for name, text in files.items()} | {
        f"helm/binnacle/files/{name}": text for name, text in in_chart.items()
    }


def differing(root: Path, files: Mapping[str, str]) -> list[str]:
    """Returns the paths of files that are missing or have other content."""
    return [
        path
        for path, text in files.items()
        if not (root / path).is_file() or (root / path).read_text(encoding="utf-8") != text
    ]


def main(arguments: list[str] | None = None, root: Path = ROOT) -> int:
    parser = _parser()
    options = parser.parse_args(arguments)
    if options.compress > 1 and not options.stdout:
        parser.error("--compress needs --stdout: compressed rules are for tests and are never written to the tree")
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
            print(
                f"{path} is not up to date with grafana/slo.yaml: run `make generate` and commit the result.",
                file=sys.stderr,
            )
        return 1 if stale else 0
    for path, text in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text, encoding="utf-8")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m grafana.generate", description=__doc__)
    parser.add_argument("--slos", type=Path, metavar="FILE", help="read this file instead of grafana/slo.yaml")
    mode = parser.add_mutually_exclusive_group()
    mode.add_argument("--check", action="store_true", help="write nothing; list the files that differ and exit with 1")
    mode.add_argument("--stdout", action="store_true", help="print the rules; write no files")
    parser.add_argument(
        "--compress",
        type=whole_number,
        default=1,
        metavar="N",
        help="with --stdout: divide all windows by N, for tests that wait for an alert (with 30, 1h becomes 2m)",
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
