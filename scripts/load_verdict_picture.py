"""Writes docs/load-verdict.svg, the report of the recorded load test in docs/load-verdict.json.

To record another: `make load ARGS="--json docs/load-verdict.json"` beside `make run`.
"""

import json
import sys
from collections.abc import Iterator, Mapping
from html import escape
from typing import Any, Final

from grafana.slo_file import Objective
from loadtests.report import OBJECTIVES, STEPS, milliseconds, objective_row, percentile, sentence, table
from loadtests.verdict import Judgement, Result, Verdict
from scripts import generated_files

RECORD: Final = "docs/load-verdict.json"
PICTURE: Final = "docs/load-verdict.svg"
COLUMN, LINE, MARGIN = 8.4, 20, 16
_SVG: Final = """<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}"
viewBox="0 0 {width} {height}" role="img" aria-label="{label}">
<style>
rect {{ fill: #f6f8fa; stroke: #d0d7de; }}
text {{ font: 14px ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; fill: #1f2328; white-space: pre; }}
.typed {{ fill: #59636e; }}
.ok {{ fill: #116329; font-weight: 600; }}
.missed {{ fill: #a40e26; font-weight: 600; }}
@media (prefers-color-scheme: dark) {{
rect {{ fill: #0d1117; stroke: #3d444d; }}
text {{ fill: #f0f6fc; }}
.typed {{ fill: #9198a1; }}
.ok {{ fill: #3fb950; }}
.missed {{ fill: #f85149; }}
}}
</style>
<rect x=".5" y=".5" width="{inner_width}" height="{inner_height}" rx="6"/>
{lines}</svg>
"""


def files() -> dict[str, str]:
    """Returns the text of each generated file, by path from the root of the tree."""
    record = json.loads((generated_files.ROOT / RECORD).read_text(encoding="utf-8"))
    return {PICTURE: draw(report(record))}


def report(record: Mapping[str, Any]) -> str:
    """Returns the output of `make load` for a recorded run; `record` is its JSON."""
    judgement = Judgement(tuple(map(_result, record["objectives"])), sum(record["unexpected"].values()))
    objectives = table(OBJECTIVES, map(objective_row, judgement.results))
    return "\n\n".join(["$ make load", objectives, table(STEPS, _steps(record)), sentence(judgement)])


def draw(text: str) -> str:
    """Draws the text as an SVG image that is readable in light and dark mode."""
    rows = text.splitlines()
    width = round(max(map(len, rows)) * COLUMN) + 2 * MARGIN
    height = len(rows) * LINE + 2 * MARGIN - 6
    lines = "".join(
        f'<text x="{MARGIN}" y="{MARGIN + 10 + number * LINE}"{_class(row)}>{escape(row)}</text>\n'
        for number, row in enumerate(rows)
        if row
    )
    return _SVG.format(
        width=width,
        height=height,
        inner_width=width - 1,
        inner_height=height - 1,
        label=escape(f"The report of a load test. {rows[-1]}"),
        lines=lines,
    )


def _result(said: Mapping[str, Any]) -> Result:
    objective = Objective(said["name"], "", said["kind"], "", said["objective"], said["threshold_seconds"], ())
    return Result(objective, said["good"], said["total"], said["verdict"] != Verdict.NOT_ASKED)


def _steps(record: Mapping[str, Any]) -> Iterator[tuple[str, ...]]:
    for name, step in record["steps"].items():
        shares = (milliseconds(step[share]) for share in ("p50", "p90", "p99"))
        yield name, str(step["requests"]), str(sum(step["failures"].values())), *shares
    seen = sorted(order["seconds"] for order in record["orders"] if order["seconds"] is not None)
    shares = (milliseconds(percentile(seen, share)) for share in (0.5, 0.9, 0.99))
    yield "order until final", str(len(record["orders"])), str(len(record["orders"]) - len(seen)), *shares


def _class(row: str) -> str:
    if row.startswith("$"):
        return ' class="typed"'
    if row.endswith((" ok", "All objectives hold.")):
        return ' class="ok"'
    return ' class="missed"' if Verdict.MISSED in row or "issed: " in row else ""


if __name__ == "__main__":
    sys.exit(generated_files.settle(files(), description=__doc__ or ""))
