"""The chart of the tree, and one whose generated files are there."""

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import pytest

from .rendering import ROOT, Chart, Rendering
from .strings import Template

RULES = """groups:
  - name: orders
    rules:
      - alert: OrdersWait
        expr: vector(1)
        annotations:
          summary: Orders of {{ $labels.release }} wait
"""


@pytest.fixture(scope="session")
def chart() -> Chart:
    return Chart(ROOT / "helm/binnacle")


@pytest.fixture(scope="session")
def demo(chart: Chart) -> Rendering:
    """What an install with no values makes."""
    return chart.render()


@pytest.fixture
def template(chart: Chart, tmp_path: Path) -> Template:
    """What Helm makes of values as a mapping."""

    def run(values: Mapping[str, Any]) -> CompletedProcess[str]:
        file = tmp_path / "values.yaml"
        file.write_text(json.dumps(values))
        return chart.template(files=[file])

    return run


@pytest.fixture
def empty_chart(chart: Chart, tmp_path: Path) -> Chart:
    """A copy without generated files."""
    folder = tmp_path / "binnacle"
    shutil.copytree(chart.folder, folder, ignore=shutil.ignore_patterns("files"))
    return Chart(folder)


@pytest.fixture
def monitored_chart(empty_chart: Chart) -> Chart:
    """A copy with one rule and one dashboard that the tests know."""
    dashboards = empty_chart.folder / "files/dashboards"
    dashboards.mkdir(parents=True)
    (dashboards / "service.json").write_text('{"title": "{{ $labels }}"}\n')
    (empty_chart.folder / "files/rules.yaml").write_text(RULES)
    return empty_chart
