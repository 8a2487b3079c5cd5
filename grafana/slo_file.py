"""Reads and validates `slo.yaml`.

Imports only PyYAML, so that the load test can read its limits from the same file.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

import yaml

from grafana.yaml_values import Fields, SloError

__all__ = ["BurnAlert", "Objective", "SloError", "Slos", "Source", "load"]

FILE: Final = Path(__file__).with_name("slo.yaml")

Kind = Literal["availability", "latency"]
Counts = Literal["events", "seconds"]
Severity = Literal["page", "ticket"]

KINDS: Final[Mapping[str, Kind]] = {"availability": "availability", "latency": "latency"}
COUNTS: Final[Mapping[str, Counts]] = {"events": "events", "seconds": "seconds"}
SEVERITIES: Final[Mapping[str, Severity]] = {"page": "page", "ticket": "ticket"}


@dataclass(frozen=True)
class Source:
    """One service level indicator: for availability a counter and its bad events, for latency a histogram."""

    name: str
    counts: Counts
    metric: str
    where: str
    bad: str
    """Matchers of bad events; empty for latency."""


@dataclass(frozen=True)
class Objective:
    """One service level objective. `objective` is a fraction such as 0.999; only latency has `threshold_seconds`."""

    name: str
    title: str
    kind: Kind
    description: str
    objective: float
    threshold_seconds: float | None
    sources: tuple[Source, ...]

    @property
    def budget(self) -> float:
        """Error budget: the fraction of events that may be bad, such as 0.001."""
        return round(1 - self.objective, 9)


@dataclass(frozen=True)
class BurnAlert:
    """An alert for a burn rate above `factor` in both windows for `for_minutes`."""

    severity: Severity
    factor: float
    long_minutes: int
    short_minutes: int
    for_minutes: int


@dataclass(frozen=True)
class Slos:
    """The content of `slo.yaml`."""

    window_days: int
    burn_alerts: tuple[BurnAlert, ...]
    minimum_bad_events: int
    objectives: tuple[Objective, ...]


def load(path: Path | None = None, buckets: Mapping[str, Sequence[float]] | None = None) -> Slos:
    """Reads the file at `path`; by default, the project's `slo.yaml`.

    `buckets` are the upper bounds of each histogram in seconds; when given, a latency threshold must be one of them.
    Raises SloError with one sentence that names the invalid key.
    """
    file = path or FILE
    try:
        fields = Fields(yaml.safe_load(file.read_text(encoding="utf-8")))
    except yaml.YAMLError as error:
        raise SloError(f"{file.name} is not YAML: {' '.join(str(error).split())}.") from error
    slos = Slos(
        window_days=fields.whole("window_days"),
        burn_alerts=fields.each("burn_alerts", _burn_alert),
        minimum_bad_events=fields.whole("minimum_bad_events"),
        objectives=fields.each("objectives", _objective),
    )
    fields.end()
    _reject_duplicates("objectives", (objective.name for objective in slos.objectives))
    for objective in slos.objectives:
        _reject_duplicates(f"objectives.{objective.name}.sources", (source.name for source in objective.sources))
        for alert in slos.burn_alerts:
            _reject_unreachable(alert, objective)
        if buckets is not None and objective.threshold_seconds is not None:
            _reject_between_buckets(objective, objective.threshold_seconds, buckets)
    return slos


def _burn_alert(fields: Fields) -> BurnAlert:
    alert = BurnAlert(
        severity=fields.choice("severity", SEVERITIES),
        factor=fields.above_zero("factor"),
        long_minutes=fields.whole("long_minutes"),
        short_minutes=fields.whole("short_minutes"),
        for_minutes=fields.whole("for_minutes"),
    )
    if alert.short_minutes >= alert.long_minutes:
        raise SloError(f"{fields.at('short_minutes')} must be below long_minutes, {alert.long_minutes}.")
    return alert


def _objective(fields: Fields) -> Objective:
    kind = fields.choice("kind", KINDS)
    percent = fields.above_zero("objective_percent")
    if percent >= 100:  # noqa: PLR2004 - percent
        raise SloError(
            f"{fields.at('objective_percent')} must be below 100, not {percent}: 100 leaves no error budget."
        )
    return Objective(
        name=fields.text("name"),
        title=fields.text("title"),
        kind=kind,
        description=fields.text("description"),
        objective=round(percent / 100, 9),
        threshold_seconds=fields.above_zero("threshold_seconds") if kind == "latency" else None,
        sources=fields.each("sources", _counter if kind == "availability" else _histogram),
    )


def _counter(fields: Fields) -> Source:
    return Source(
        name=fields.text("name"),
        counts=fields.choice("counts", COUNTS),
        metric=fields.text("counter"),
        where=fields.text("where"),
        bad=fields.text("bad"),
    )


def _histogram(fields: Fields) -> Source:
    return Source(
        name=fields.text("name"),
        counts=fields.choice("counts", {"events": "events"}),
        metric=fields.text("histogram"),
        where=fields.text("where"),
        bad="",
    )


def _reject_duplicates(key: str, names: Iterable[str]) -> None:
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise SloError(f"{key} has the name {name!r} twice: rename one.")
        seen.add(name)


def _reject_unreachable(alert: BurnAlert, objective: Objective) -> None:
    if alert.factor * objective.budget >= 1:
        raise SloError(
            f"burn_alerts factor {alert.factor:g} can never fire for {objective.name}: {alert.factor:g} times its"
            f" budget of {objective.budget:g} is {alert.factor * objective.budget:g}, and no error ratio exceeds 1.",
        )


def _reject_between_buckets(objective: Objective, threshold: float, buckets: Mapping[str, Sequence[float]]) -> None:
    for source in objective.sources:
        if source.metric not in buckets:
            raise SloError(f"objectives.{objective.name}.sources names the histogram {source.metric!r}: there is none.")
        if threshold not in buckets[source.metric]:
            bounds = ", ".join(f"{bound:g}" for bound in buckets[source.metric])
            raise SloError(
                f"objectives.{objective.name}.threshold_seconds {threshold:g} is not a bucket boundary of"
                f" {source.metric}: choose one of {bounds}.",
            )
