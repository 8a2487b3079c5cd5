from pathlib import Path

import pytest

from grafana.clock import Clock
from grafana.generate import ROOT
from grafana.ruleset import as_yaml, rules
from grafana.slo_file import load
from tests.system.promtool import Promtool, find_promtool

COMPRESSED = Clock(compress=30)


@pytest.fixture
def promtool(tmp_path: Path) -> Promtool:
    """Tests the rules of the tree."""
    return Promtool(find_promtool(), tmp_path, ROOT / "grafana/rules/slo.yaml", Clock().interval_seconds)


@pytest.fixture
def fast_promtool(tmp_path: Path) -> Promtool:
    """Tests the same rules with windows 30 times shorter, for conditions that last days."""
    file = tmp_path / "compressed.yaml"
    file.write_text(as_yaml(rules(load(), COMPRESSED)), encoding="utf-8")
    return Promtool(find_promtool(), tmp_path, file, COMPRESSED.interval_seconds)
