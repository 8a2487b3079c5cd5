"""The specification refuses what could not work, in one sentence that names the key."""

import subprocess
import sys
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

from grafana.exported import buckets
from grafana.slo_file import FILE, SloError, load

FIRST_ALERT = "{severity: page, factor: 14.4, long_minutes: 60, short_minutes: 5, for_minutes: 2}"

REFUSALS = [
    ("window_days: 30", "window_days: 30\nwindow: 30d", "window is not a known key here"),
    ("window_days: 30", "window_days: 30d", "window_days must be a number above 0, not '30d'"),
    ("window_days: 30", "window_days: 0", "window_days must be a number above 0, not 0"),
    ("window_days: 30", "window_days: .inf", "window_days must be a number above 0, not inf"),
    ("window_days: 30", "window_days: true", "window_days must be a number above 0, not True"),
    ("window_days: 30", "window_days: 29.5", "window_days must be a whole number, not 29.5"),
    ("window_days: 30", "", "window_days is missing"),
    ("window_days: 30", "{", "slo.yaml is not YAML"),
    (FIRST_ALERT, "{severity: page}", "burn_alerts[0].factor is missing"),
    (FIRST_ALERT, "1h", "burn_alerts[0] must be a mapping of keys to values, not '1h'"),
    ("severity: page, factor: 6", "severity: panic, factor: 6", "burn_alerts[1].severity must be page or ticket"),
    ("factor: 14.4,", "factor: 100,", "factor 100 can never fire for latency: 100 times its budget of 0.01 is 1"),
    ("short_minutes: 5,", "short_minutes: 60,", "burn_alerts[0].short_minutes must be below long_minutes, 60"),
    ("objective_percent: 99.9", "objective_percent: 100", "objectives[0].objective_percent must be below 100"),
    ("objective_percent: 99.9", "objective: 0.999", "objectives[0].objective_percent is missing"),
    ("objective_percent: 99.9", "objective_percent: 99.9\n    slack: 1", "objectives[0].slack is not a known key"),
    ("threshold_seconds: 0.25", "threshold_seconds: 0.3", "objectives.latency.threshold_seconds 0.3 is not a bucket"),
    ("threshold_seconds: 0.25", "threshold_ms: 250", "objectives[1].threshold_seconds is missing"),
    ("kind: availability", "kind: uptime", "objectives[0].kind must be availability or latency, not 'uptime'"),
    ("name: latency", "name: availability", "objectives has the name 'availability' twice"),
    ("name: readiness", "name: api-requests", "objectives.availability.sources has the name 'api-requests' twice"),
    ("histogram: order_", "histogram: odor_", "there is none"),
    ("counts: seconds", "counts: days", "objectives[0].sources[1].counts must be events or seconds"),
    ('where: ""', "where: 5", "objectives[2].sources[0].where must be text, not 5"),
    ("title: Availability", "title: [Availability]", "objectives[0].title must be text, not a list"),
]


@pytest.mark.parametrize(("old", "new", "sentence"), REFUSALS)
def test_refuses(tmp_path: Path, old: str, new: str, sentence: str) -> None:
    text = FILE.read_text(encoding="utf-8")
    assert old in text
    file = tmp_path / "slo.yaml"
    file.write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(SloError) as refusal:
        load(file, buckets=buckets())
    message = str(refusal.value)
    assert sentence in message
    assert "\n" not in message
    assert message.endswith(".")


def test_lists_may_not_be_empty(tmp_path: Path) -> None:
    file = tmp_path / "slo.yaml"
    file.write_text("{window_days: 30, burn_alerts: [], minimum_bad_events: 5, objectives: []}", encoding="utf-8")
    with pytest.raises(SloError, match=r"^burn_alerts must be a list of at least one, not a list\.$"):
        load(file)


def test_what_is_promised() -> None:
    promises = {
        objective.name: (objective.objective, objective.budget, objective.threshold_seconds)
        for objective in load(buckets=buckets()).objectives
    }
    assert promises == {
        "availability": (0.999, 0.001, None),
        "latency": (0.99, 0.01, 0.25),
        "order-completion": (0.99, 0.01, 10.0),
    }


def test_reading_it_needs_nothing_but_yaml() -> None:
    program = "import sys; before = set(sys.modules); import grafana.slo_file; print(*set(sys.modules) - before)"
    result = subprocess.run(
        [sys.executable, "-c", program], check=True, capture_output=True, text=True, cwd=FILE.parents[1]
    )
    loaded = {name.partition(".")[0] for name in result.stdout.split()}
    installed = packages_distributions()
    assert {package for name in loaded for package in installed.get(name, [])} == {"PyYAML"}
    assert "app" not in loaded
