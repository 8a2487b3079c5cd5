"""Definitions of custom resources count only when they are what they were."""

import os
import shutil
import subprocess
from pathlib import Path

from .schemas import FETCH


def fetch(script: Path, cache: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "BINNACLE_CACHE": str(cache)}
    return subprocess.run([script, *arguments], env=environment, capture_output=True, text=True, check=False)


def test_another_sum_is_refused_and_leaves_nothing(tmp_path: Path) -> None:
    script = tmp_path / "fetch.sh"
    shutil.copy(FETCH, script)
    script.write_text(script.read_text().replace(" h1:", " h1:a", 1))
    done = fetch(script, tmp_path / "cache")
    assert done.returncode == 1
    assert "sigs.k8s.io/gateway-api@v1.2.1 is not what it was" in done.stderr
    assert list((tmp_path / "cache").iterdir()) == []


def test_the_place_is_told_without_fetching(tmp_path: Path) -> None:
    done = fetch(FETCH, tmp_path / "cache", "--path")
    assert done.stdout.startswith(f"{tmp_path}/cache/crds-")
    assert not (tmp_path / "cache").exists()
