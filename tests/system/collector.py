"""The OpenTelemetry Collector of scripts/collector/build.sh, with the deployed configuration."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx2
import pytest

from tests.support import loopback
from tests.support.ports import free_port
from tests.support.processes import wait_until

ROOT = Path(__file__).parent.parent.parent
CONFIGURATION = ROOT / "k8s/collector/collector.yaml"
START_SECONDS = 30
STOP_SECONDS = 15


def find_collector() -> str:
    """Returns the path of the program. Fails if it is not built."""
    build = ROOT / "scripts/collector/build.sh"
    found = subprocess.run([build, "--path"], capture_output=True, text=True, check=True).stdout.strip()
    if not Path(found).exists():
        pytest.fail("The collector is not built: run scripts/collector/build.sh, which needs Go.", pytrace=False)
    return found


@contextmanager
def collector(store: str, log: Path, **environment: str) -> Iterator[str]:
    """Runs a collector that exports the spans it keeps to `store`; yields its OTLP endpoint."""
    listen, health, metrics = free_port(), free_port(), free_port()
    values = {
        "LISTEN": f"127.0.0.1:{listen}",
        "HEALTH": f"127.0.0.1:{health}",
        "METRICS_HOST": "127.0.0.1",
        "METRICS_PORT": str(metrics),
        "TRACE_STORE": store,
        "PATH": os.environ["PATH"],
        **environment,
    }
    with log.open("wb") as file:
        process = subprocess.Popen([find_collector(), "--config", CONFIGURATION], env=values, stdout=file, stderr=file)
        try:
            wait_until(lambda: _ready(process, health, log), START_SECONDS, "the collector")
            yield f"http://127.0.0.1:{listen}"
        finally:
            process.terminate()
            process.wait(STOP_SECONDS)


def _ready(process: "subprocess.Popen[bytes]", port: int, log: Path) -> bool:
    if process.poll() is not None:
        raise AssertionError(f"the collector ended:\n{log.read_text()[-3000:]}")
    try:
        return loopback.get(f"http://127.0.0.1:{port}/", timeout=2).status_code == httpx2.codes.OK
    except httpx2.HTTPError:
        return False
