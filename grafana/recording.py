"""Recording rules: the ratio of bad events of each source over each window.

A ratio divides sums, so that each event weighs the same in quiet and in busy hours; without events it is 0, not NaN.
Rule names keep the uncompressed window, so that a compressed clock changes no name.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from grafana.clock import MINUTE, Clock, duration
from grafana.promql import BY, equals, le, number, select
from grafana.slo_file import Objective, Slos, Source

Rule = Mapping[str, Any]

BASE_MINUTES: Final = 5
# A second is good or bad by the checks of the minute before it; a probe every 10 s gives at least five of them.
CHECK_MINUTES: Final = 1
# Longer windows use the recorded rates: reading the counters would load too many samples at every evaluation.
MAX_DIRECT_MINUTES: Final = 360
# All events are bad; not 1, because sums of floats round.
ALL_BAD: Final = 0.999


def window_name(minutes: int) -> str:
    return duration(minutes * MINUTE)


def windows(slos: Slos) -> list[int]:
    """Returns every window that the alerts and the error budget use, in minutes, ascending."""
    alerts = {minutes for alert in slos.burn_alerts for minutes in (alert.long_minutes, alert.short_minutes)}
    return sorted(alerts | {slos.window_days * 24 * 60})


def error_ratio(minutes: int) -> str:
    """Names the recorded series with the ratio of bad events over a window."""
    return f"slo:error:ratio{window_name(minutes)}"


def recording_rules(slos: Slos, objective: Objective, clock: Clock) -> Iterator[Rule]:
    """Builds the recording rules of one objective: rates, error ratios and the remaining error budget."""
    for source in objective.sources:
        labels = {"job": "binnacle", "slo": objective.name, "source": source.name}
        base = _seconds if source.counts == "seconds" else _events
        events, bad = base(objective, source, clock)
        yield {"record": "slo:events:rate", "labels": labels, "expr": events}
        yield {"record": "slo:bad_events:rate", "labels": labels, "expr": bad}
        for minutes in windows(slos):
            yield {"record": error_ratio(minutes), "labels": labels, "expr": _ratio(objective, source, clock, minutes)}
    labels = {"job": "binnacle", "slo": objective.name}
    spent = select(error_ratio(slos.window_days * 24 * 60), equals("slo", objective.name))
    yield {
        "record": "slo:error_budget:remaining",
        "labels": labels,
        "expr": f"1 - max {BY} ({spent}) / {number(objective.budget)}",
    }


def _events(objective: Objective, source: Source, clock: Clock) -> tuple[str, str]:
    """Returns expressions for the rates of events and of bad events, per second."""
    events, bad = _rates(objective, source, clock.range(BASE_MINUTES))
    return events, f"{bad}\nor\n0 * {events}"


def _seconds(objective: Objective, source: Source, clock: Clock) -> tuple[str, str]:
    """Returns expressions that are 1 while there are events, and 1 while all events are bad."""
    events, bad = _rates(objective, source, clock.range(CHECK_MINUTES))
    return f"{events} > bool 0", f"{bad}\n/ ({events} > 0)\n> bool {ALL_BAD}\nor\n0 * {events}"


def _ratio(objective: Objective, source: Source, clock: Clock, minutes: int) -> str:
    window = clock.range(minutes)
    if source.counts == "events" and minutes <= MAX_DIRECT_MINUTES:
        events, bad = _rates(objective, source, window)
    else:
        matchers = f"{equals('slo', objective.name)},{equals('source', source.name)}"
        events = f"sum_over_time({select('slo:events:rate', matchers)}[{window}])"
        bad = f"sum_over_time({select('slo:bad_events:rate', matchers)}[{window}])"
    return f"{bad}\n/ ({events} > 0)\nor\n0 * {events}"


def _rates(objective: Objective, source: Source, window: str) -> tuple[str, str]:
    if objective.threshold_seconds is None:
        return (
            _rate(source.metric, window, source.where),
            _rate(source.metric, window, source.where, source.bad),
        )
    events = _rate(f"{source.metric}_count", window, source.where)
    good = _rate(f"{source.metric}_bucket", window, source.where, le(objective.threshold_seconds))
    # Rounding of floats can make the difference negative.
    return events, f"clamp_min(\n  {events}\n  - {good},\n  0\n)"


def _rate(metric: str, window: str, *matchers: str) -> str:
    return f"sum {BY} (rate({select(metric, *matchers)}[{window}]))"
