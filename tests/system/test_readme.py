"""The README's own lines, typed as they stand, take a person from registering to a paid order."""

import re
import shutil
import subprocess
from pathlib import Path

import httpx2

from tests.app.ports import free_port
from tests.app.processes import Processes


def test_the_readmes_lines_end_in_a_paid_order(root: Path, tmp_path: Path) -> None:
    assert shutil.which("curl"), "curl is not on PATH; Debian: apt-get install curl"
    (lines,) = re.findall(r"## From registering.*?```sh\n(.*?)```", (root / "README.md").read_text(), re.DOTALL)
    assert len(lines.strip().splitlines()) == 5
    ports = {"PORT": free_port(), "ADMIN_PORT": free_port(), "SANDBOX_PORT": free_port()}
    provider = f"http://127.0.0.1:{ports['SANDBOX_PORT']}"
    with Processes(tmp_path) as processes:
        shop = processes.start("run", PROVIDER_URL=provider, **ports)
        url = processes.await_answer(shop, f"http://127.0.0.1:{ports['PORT']}", "/readyz")
        script = lines.replace("localhost:8000", httpx2.URL(url).netloc.decode())
        *before, last = script.strip().splitlines()
        again = "\n".join(
            [*before, f"for try in $(seq 100); do {last} | tee answer; grep -q paid answer && exit; done; exit 1"]
        )
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", again],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    assert done.returncode == 0, done.stdout + done.stderr
    assert '"status":"paid"' in done.stdout
