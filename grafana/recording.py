"""Recording rules: the share of bad events of each source over each window.

A share is a sum over a sum, so that a quiet hour weighs no more than its events; without events it is 0, not NaN.
Names keep the uncompressed window, whatever the clock.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from grafana.clock import MINUTE, Clock, duration
from grafana.promql import BY, equals, le, number, select
from grafana.slo import Objective, Slos, Source

Rule = Mapping[str, Any]

BASE_MINUTES: Final = 5
# A second is judged by the checks of the minute before it: one that comes every 10 s must not be missed.
JUDGED_MINUTES: Final = 1
# Counters are read directly over windows up to this; beyond it, that would read too many samples at every evaluation.
LONGEST_DIRECT_MINUTES: Final = 360
# All events bad, but for the rounding of sums of floats.
ALL: Final = 0.999


def window_name(minutes: int) -> str:
    return duration(minutes * MINUTE)


def windows(slos: Slos) -> list[int]:
    """Every window that the alerts and the budget need, in minutes, ascending."""
    alerts = {minutes for alert in slos.burn_alerts for minutes in (alert.long_minutes, alert.short_minutes)}
    return sorted(alerts | {slos.window_days * 24 * 60})


def share(minutes: int) -> str:
    """The name of the series of the share of bad events over a window."""
    return f"slo:error:ratio{window_name(minutes)}"


def recording_rules(slos: Slos, objective: Objective, clock: Clock) -> Iterator[Rule]:
    for source in objective.sources:
        labels = {"job": "binnacle", "slo": objective.name, "source": source.name}
        base = _judged if source.counts == "seconds" else _counted
        events, bad = base(objective, source, clock)
        yield {"record": "slo:events:rate", "labels": labels, "expr": events}
        yield {"record": "slo:bad_events:rate", "labels": labels, "expr": bad}
        for minutes in windows(slos):
            yield {"record": share(minutes), "labels": labels, "expr": _share(objective, source, clock, minutes)}
    labels = {"job": "binnacle", "slo": objective.name}
    spent = select(share(slos.window_days * 24 * 60), equals("slo", objective.name))
    yield {
        "record": "slo:error_budget:remaining",
        "labels": labels,
        "expr": f"1 - max {BY} ({spent}) / {number(objective.budget)}",
    }


def _counted(objective: Objective, source: Source, clock: Clock) -> tuple[str, str]:
    """Events and bad events a second."""
    events, bad = _rates(objective, source, clock.range(BASE_MINUTES))
    return events, f"{bad}\nor\n0 * {events}"


def _judged(objective: Objective, source: Source, clock: Clock) -> tuple[str, str]:
    """1 while events come, and 1 while all of them are bad: seconds a second."""
    events, bad = _rates(objective, source, clock.range(JUDGED_MINUTES))
    return f"{events} > bool 0", f"{bad}\n/ ({events} > 0)\n> bool {ALL}\nor\n0 * {events}"


def _share(objective: Objective, source: Source, clock: Clock, minutes: int) -> str:
    window = clock.range(minutes)
    if source.counts == "events" and minutes <= LONGEST_DIRECT_MINUTES:
        events, bad = _rates(objective, source, window)
    else:
        which = f"{equals('slo', objective.name)},{equals('source', source.name)}"
        events = f"sum_over_time({select('slo:events:rate', which)}[{window}])"
        bad = f"sum_over_time({select('slo:bad_events:rate', which)}[{window}])"
    return f"{bad}\n/ ({events} > 0)\nor\n0 * {events}"


def _rates(objective: Objective, source: Source, window: str) -> tuple[str, str]:
    if objective.threshold_seconds is None:
        return (
            _rate(source.metric, window, source.where),
            _rate(source.metric, window, source.where, source.bad),
        )
    events = _rate(f"{source.metric}_count", window, source.where)
    in_time = _rate(f"{source.metric}_bucket", window, source.where, le(objective.threshold_seconds))
    # Float rounding must not make a share negative.
    return events, f"clamp_min(\n  {events}\n  - {in_time},\n  0\n)"


def _rate(metric: str, window: str, *matchers: str) -> str:
    return f"sum {BY} (rate({select(metric, *matchers)}[{window}]))"
