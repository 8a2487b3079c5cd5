"""Runs a load test and prints its verdict: `python -m loadtests --help`."""

import json
import sys
from pathlib import Path

from loadtests import options, report, verdict


def main() -> int:
    """Returns the exit code: 0 the run passes, 1 it fails, 2 no service answers, 130 the run was interrupted."""
    given = options.parse()
    from loadtests import run  # noqa: PLC0415 - the import takes half a second, which --help does not need

    print(
        f"Loading {given.host} for {given.run_time:g} s: {given.rate:g} requests/s and {given.order_rate:g} orders/s.",
        file=sys.stderr,
    )
    try:
        record = run.run(given, lambda so_far, seconds: print(report.progress(so_far, seconds), file=sys.stderr))
    except run.UnreachableError as error:
        print(error, file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("Stopped before the end: no verdict.", file=sys.stderr)
        return 130
    judgement = verdict.judge(given.objectives, record, orders_asked=given.order_rate > 0)
    print(report.text(judgement, record), file=sys.stderr if given.json == "-" else sys.stdout)
    if given.json:
        result = report.as_json(given, judgement, record)
        if given.json == "-":
            print(json.dumps(result))
        else:
            Path(given.json).write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    return 0 if judgement.passed else 1


sys.exit(main())
