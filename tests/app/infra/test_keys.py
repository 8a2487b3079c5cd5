"""The key that signs tokens: configured, or generated once and stored privately."""

import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from app.infra.signing_key import signing_key
from app.settings import read


def test_a_configured_key_is_used_and_none_is_written(tmp_path: Path) -> None:
    assert signing_key(read(state_dir=tmp_path, secret_key="k" * 32, _env_file=None)) == "k" * 32
    assert list(tmp_path.iterdir()) == []


def test_an_embedded_key_is_generated_once_stored_and_private(tmp_path: Path) -> None:
    settings = read(state_dir=tmp_path / "state", _env_file=None)
    key = signing_key(settings)
    assert len(key.encode()) >= 32
    assert signing_key(settings) == key
    [file] = settings.state_dir.iterdir()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert signing_key(read(state_dir=tmp_path / "other", _env_file=None)) != key


def test_processes_that_start_concurrently_share_one_key(tmp_path: Path) -> None:
    for attempt in range(20):
        settings = read(state_dir=tmp_path / str(attempt), _env_file=None)
        with ThreadPoolExecutor(4) as threads:
            keys = list(threads.map(lambda _: signing_key(settings), range(4), timeout=30))  # noqa: B023
        assert len(set(keys)) == 1
