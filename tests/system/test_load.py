"""`make load` beside `make run`: a table with a verdict, and the names of missed objectives."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support import loopback
from tests.support.ports import free_port
from tests.support.processes import Processes

# The verdict is under test, not the machine: its speed under load is for `make load` to measure.
LOW_LOAD = ("--rate", "10", "--order-rate", "1", "--run-time", "8")


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[tuple[str, str]]:
    with Processes(tmp_path) as processes:
        provider = free_port()
        ports = {"PORT": free_port(), "ADMIN_PORT": free_port(), "SANDBOX_PORT": provider}
        run = processes.start("run", PROVIDER_URL=f"http://127.0.0.1:{provider}", PROVIDER_TIMEOUT_SECONDS=20, **ports)
        url = processes.await_answer(run, f"http://127.0.0.1:{ports['PORT']}", "/readyz")
        yield url, f"http://127.0.0.1:{provider}"


def test_a_shop_that_meets_its_objectives_passes(shop: tuple[str, str], root: Path, tmp_path: Path) -> None:
    relaxed = (root / "grafana/slo.yaml").read_text().replace("threshold_seconds: 0.25", "threshold_seconds: 5")
    (tmp_path / "slo.yaml").write_text(relaxed)
    done = _load(root, shop[0], "--json", str(tmp_path / "result.json"), "--slo", str(tmp_path / "slo.yaml"))
    assert done.returncode == 0, done.stdout + done.stderr
    assert "availability" in done.stdout
    result = json.loads((tmp_path / "result.json").read_text())
    assert sum(result["failures"].values()) == 0
    assert {order["status"] for order in result["orders"]} == {"paid"}


def test_a_slow_provider_misses_the_objective_of_order_completion(shop: tuple[str, str], root: Path) -> None:
    url, provider = shop
    loopback.put(f"{provider}/v1/behaviour", json={"latency_ms": 12_000}).raise_for_status()
    done = _load(root, url, "--order-timeout", "12")
    assert done.returncode == 1, done.stdout + done.stderr
    assert "order-completion" in done.stdout.strip().splitlines()[-1]


def _load(root: Path, url: str, *more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "loadtests", "--host", url, *LOW_LOAD, *more],
        cwd=root,
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
    )
