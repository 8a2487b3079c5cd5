"""Reports of a run: text for people, JSON for pipelines."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict
from math import ceil
from typing import Any, Final

from loadtests.options import Options
from loadtests.record import PENDING, Failure, Record
from loadtests.verdict import Judgement, Result

SHARES: Final = (0.5, 0.9, 0.99)
LATE_SECONDS: Final = 0.05
OBJECTIVES: Final = ("objective", "target", "measured", "events", "verdict")
STEPS: Final = ("step", "requests", "failed", "p50 ms", "p90 ms", "p99 ms")


def percentile(values: Sequence[float], share: float) -> float | None:
    """Returns the smallest value that `share` of the sorted `values` do not exceed, or None if there are none."""
    return values[max(0, ceil(share * len(values)) - 1)] if values else None


def progress(record: Record, seconds: float) -> str:
    final = sum(order.status != PENDING for order in record.orders)
    failed = sum(record.failures.values())
    return f"{seconds:5.0f} s  {record.requests} requests, {failed} failed; {len(record.orders)} orders, {final} final"


def text(judgement: Judgement, record: Record) -> str:
    """Formats the result: two tables, the failures if any, and the verdict in one sentence."""
    parts = [
        table(OBJECTIVES, map(objective_row, judgement.results)),
        table(STEPS, _step_rows(record)),
    ]
    if failures := record.failures:
        parts.append("Failed: " + ", ".join(f"{failures[kind]} {kind}" for kind in Failure if failures[kind]) + ".")
    parts += [f"Unexpected: {detail} ({count})" for detail, count in record.unexpected.most_common(5)]
    late = percentile(sorted(record.lateness), 0.99)
    if late is not None and late > LATE_SECONDS:
        parts.append(
            f"The load generator started 1 % of the visits more than {late * 1000:.0f} ms late, which counts as latency"
            " of the service: give the generator more CPU, or lower the rate.",
        )
    return "\n\n".join([*parts, sentence(judgement)])


def sentence(judgement: Judgement) -> str:
    if judgement.passed:
        return "All objectives hold."
    parts = [
        (judgement.missed, "missed: " + ", ".join(judgement.missed)),
        (judgement.not_measured, "not measured: " + ", ".join(judgement.not_measured)),
        (judgement.unexpected, f"{judgement.unexpected} responses were unexpected"),
    ]
    whole = "; ".join(text for applies, text in parts if applies)
    return whole[0].upper() + whole[1:] + "."


def as_json(options: Options, judgement: Judgement, record: Record) -> dict[str, Any]:
    """Builds the result as JSON values; all times in seconds."""
    lateness = sorted(record.lateness)
    return {
        "host": options.host,
        "rate": options.rate,
        "order_rate": options.order_rate,
        "run_time": options.run_time if record.loaded_seconds is None else record.loaded_seconds,
        "fresh_share": options.fresh_share,
        "clients": options.clients,
        "passed": judgement.passed,
        "missed": judgement.missed,
        "not_measured": judgement.not_measured,
        "objectives": [
            {
                "name": result.objective.name,
                "kind": result.objective.kind,
                "objective": result.objective.objective,
                "threshold_seconds": result.objective.threshold_seconds,
                "measured": result.measured,
                "good": result.good,
                "total": result.total,
                "verdict": result.verdict,
            }
            for result in judgement.results
        ],
        "requests": record.requests,
        "failures": {kind: record.failures[kind] for kind in Failure},
        "unexpected": record.unexpected,
        "failed": [asdict(failed) for failed in record.failed],
        "steps": {
            name: {"requests": step.requests, "failures": step.failures, **_seconds(step.answered + step.unanswered)}
            for name, step in record.steps.items()
        },
        "orders": [asdict(order) for order in record.orders],
        "lateness": {"p99": percentile(lateness, 0.99), "max": percentile(lateness, 1)},
    }


def _seconds(values: list[float]) -> dict[str, float | None]:
    ordered = sorted(values)
    return {f"p{share * 100:.0f}": percentile(ordered, share) for share in SHARES}


def objective_row(result: Result) -> tuple[str, ...]:
    """The cells of OBJECTIVES."""
    objective = result.objective
    threshold = objective.threshold_seconds
    name = objective.name if threshold is None else f"{objective.name} ({threshold:g} s)"
    # Truncated, not rounded: 99.9996 % must not read as 100 %.
    measured = "-" if result.measured is None else f"{result.good * 100_000 // result.total / 1000:.3f} %"
    target = f"{objective.objective * 100:g} %"
    return name, target, measured, str(result.total), result.verdict


def _step_rows(record: Record) -> Iterable[tuple[str, ...]]:
    for name, step in record.steps.items():
        yield name, str(step.requests), str(step.failures.total()), *_percentiles(step.answered + step.unanswered)
    seen = [order.seconds for order in record.orders if order.seconds is not None]
    if record.orders:
        yield "order until final", str(len(record.orders)), str(len(record.orders) - len(seen)), *_percentiles(seen)


def _percentiles(values: list[float]) -> list[str]:
    return [milliseconds(value) for value in _seconds(values).values()]


def milliseconds(seconds: float | None) -> str:
    """Formats a duration in milliseconds, or `-` without one."""
    return "-" if seconds is None else f"{seconds * 1000:.1f}"


def table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    """Formats a table with the first column left-aligned and the others right-aligned."""
    lines = [head, *rows]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join(
        "  ".join([line[0].ljust(widths[0]), *(cell.rjust(w) for cell, w in zip(line[1:], widths[1:], strict=True))])
        for line in lines
    )
