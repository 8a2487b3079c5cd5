"""Tests of Prometheus rules with promtool: series in, samples and alerts out."""

import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml


def counter(*segments: tuple[int, float]) -> str:
    """A counter from 0 in promtool's notation; each segment is (steps, increase per step)."""
    value, parts = 0.0, ["0"]
    for steps, increase in segments:
        # "a+bxn" is a and n more values: its first value is that of the next step.
        parts.append(f"{value + increase:g}+{increase:g}x{steps - 1}")
        value += increase * steps
    return " ".join(parts)


def labels(name: str = "", **values: str) -> str:
    """A series in promtool's notation."""
    pairs = ",".join(f'{label}="{value}"' for label, value in values.items())
    return f"{name}{{{pairs}}}"


@dataclass(frozen=True)
class Series:
    """One series and its values in promtool's notation."""

    name: str
    values: str
    labels: str = ""
    release: str = "shop"

    def as_input(self) -> dict[str, str]:
        known = f'job="binnacle",namespace="store",release="{self.release}"'
        extra = f",{self.labels}" if self.labels else ""
        return {"series": f"{self.name}{{{known}{extra}}}", "values": self.values}


@dataclass(frozen=True)
class Promtool:
    """The program, a directory for its files, the rules under test and their evaluation interval."""

    program: str
    folder: Path
    rules: Path
    interval_seconds: int

    def expect_samples(
        self, series: Sequence[Series], expression: str, when: Mapping[str, Sequence[tuple[str, float]]]
    ) -> None:
        """Checks that the expression has exactly these samples, (labels, value), at each time after the start."""
        expected = [
            {
                "expr": expression,
                "eval_time": at,
                "exp_samples": [{"labels": labels, "value": value} for labels, value in samples],
            }
            for at, samples in when.items()
        ]
        self.test(series, {"promql_expr_test": expected})

    def expect_firing(self, series: Sequence[Series], when: Mapping[str, Sequence[str]]) -> None:
        """Checks that exactly these alerts fire at each time, each written `name, severity`."""
        by = "alertname, severity"
        samples = {
            at: [(labels(**dict(zip(by.split(", "), alert.split(", "), strict=False))), 1.0) for alert in alerts]
            for at, alerts in when.items()
        }
        self.expect_samples(series, f'group by ({by}) (ALERTS{{alertstate="firing"}})', samples)

    def test(self, series: Sequence[Series], expectations: dict[str, object]) -> None:
        """Runs `promtool test rules`; fails with its output."""
        interval = f"{self.interval_seconds}s"
        file = self.folder / "test.yaml"
        group = {"interval": interval, "input_series": [each.as_input() for each in series], **expectations}
        content = {"rule_files": [str(self.rules)], "evaluation_interval": interval, "tests": [group]}
        file.write_text(yaml.safe_dump(content), encoding="utf-8")
        result = self.run("test", "rules", str(file))
        if result.returncode != 0:
            pytest.fail(f"{result.stdout}{result.stderr}", pytrace=False)

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [self.program, *arguments], check=False, capture_output=True, text=True, timeout=60, cwd=self.folder
        )


def find_promtool() -> str:
    found = shutil.which("promtool")
    if found is None:
        pytest.fail(
            "promtool is not on PATH: install Prometheus, for example the Debian package `prometheus`.", pytrace=False
        )
    return found
