"""The state directory of an embedded shop: private, and refused with a message if it is not writable."""

import stat
from pathlib import Path

import pytest

from app.settings import SettingsError
from app.settings.state_folder import private_file, private_folder
from tests.support.ports import free_port
from tests.support.processes import Processes


def _mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_new_directory_and_a_new_file_are_private(tmp_path: Path) -> None:
    file = private_file(tmp_path / "state" / "binnacle.db")
    assert (_mode(file.parent), _mode(file)) == (0o700, 0o600)


def test_a_readable_file_becomes_private_and_keeps_its_content(tmp_path: Path) -> None:
    file = tmp_path / "binnacle.db"
    file.write_bytes(b"rows")
    file.chmod(0o664)
    assert private_file(file).read_bytes() == b"rows"
    assert _mode(file) == 0o600


def test_a_shared_directory_keeps_its_mode(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    assert _mode(private_folder(tmp_path)) == 0o755


def test_a_directory_below_a_file_is_refused_with_instructions(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(SettingsError, match=r"STATE_DIR: .*/file/state can't be written: Not a directory\. Set it"):
        private_folder(tmp_path / "file" / "state")


@pytest.mark.parametrize("command", ["run", "serve", "migrate", "seed", "sandbox"])
def test_no_command_starts_with_an_unwritable_directory(processes: Processes, tmp_path: Path, command: str) -> None:
    (tmp_path / "file").touch()
    ports = {name: free_port() for name in ("PORT", "ADMIN_PORT", "SANDBOX_PORT")}
    process = processes.start(command, STATE_DIR=tmp_path / "file" / "state", **ports)
    assert process.wait() == 2
    assert process.log.read_text().startswith("Binnacle does not start:\nSTATE_DIR: ")


def test_files_of_a_run_are_readable_by_their_user_only(processes: Processes) -> None:
    assert processes.start("migrate").wait() == 0
    assert processes.start("seed").wait() == 0
    processes.api()
    processes.sandbox()
    kept = [path for path in processes.state_dir.rglob("*") if path.is_file()]
    assert {"binnacle.db", "sandbox.db", "secret_key", "passwords.json"} <= {path.name for path in kept}
    assert {path.name: oct(_mode(path)) for path in kept if _mode(path) & 0o077} == {}
