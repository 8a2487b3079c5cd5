"""Runs `python -m loadtests` as its image does: from a folder with nothing of the service in it."""

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.loadtests.shop import Shop

ROOT = Path(__file__).parents[2]
GRAFANA = ("__init__.py", "yaml_values.py", "slo_file.py", "slo.yaml")


@dataclass(frozen=True)
class Outcome:
    code: int
    out: str
    err: str
    result: dict[str, Any]

    def objective(self, name: str) -> dict[str, Any]:
        return next(entry for entry in self.result["objectives"] if entry["name"] == name)


Load = Callable[..., Outcome]


@pytest.fixture(scope="session")
def image(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("image")
    shutil.copytree(ROOT / "loadtests", folder / "loadtests", ignore=shutil.ignore_patterns("__pycache__"))
    (folder / "grafana").mkdir()
    for name in GRAFANA:
        shutil.copy(ROOT / "grafana" / name, folder / "grafana" / name)
    return folder


@pytest.fixture(scope="session")
def command(image: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "loadtests", *arguments],
            cwd=image,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    return run


@pytest.fixture(scope="session")
def load(command: Callable[..., subprocess.CompletedProcess[str]], tmp_path_factory: pytest.TempPathFactory) -> Load:
    """Load a shop for half a second, with the project's objectives but thresholds (in seconds) that suit it."""

    def run(shop: Shop, *arguments: str, latency: float = 5, order_completion: float = 5) -> Outcome:
        folder = tmp_path_factory.mktemp("load")
        slo = yaml.safe_load((ROOT / "grafana" / "slo.yaml").read_text())
        thresholds = {"latency": latency, "order-completion": order_completion}
        for objective in slo["objectives"]:
            if objective["kind"] == "latency":
                objective["threshold_seconds"] = thresholds[objective["name"]]
        (folder / "slo.yaml").write_text(yaml.safe_dump(slo))
        given = ("--host", shop.host, "--slo", str(folder / "slo.yaml"), "--json", str(folder / "result.json"))
        usual = ("--rate", "40", "--order-rate", "5", "--run-time", "0.5")
        done = command(*given, *usual, *arguments)
        assert (folder / "result.json").exists(), done.stderr
        return Outcome(done.returncode, done.stdout, done.stderr, json.loads((folder / "result.json").read_text()))

    return run
