"""Locks install as they are, with whatever pip a machine has, while an index holds newer releases than they name."""

import hashlib
import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from tests.support.processes import REPOSITORY

INSTALL = REPOSITORY / "scripts" / "install.sh"
# As alembic, a plain SQLAlchemy and SQLAlchemy[asyncio] with its greenlet are: some ask for the extra, some don't.
RELEASES = {
    ("asks-with-extra", "1"): ["thing[more]>=1"],
    ("asks-without", "1"): ["thing>=1"],
    ("thing", "1"): ['more>=1; extra == "more"'],
    ("thing", "2"): ['more>=1; extra == "more"'],
    ("more", "1"): [],
    ("more", "2"): [],
}
LOCKED = ("asks-with-extra", "asks-without", "thing", "more")


@pytest.fixture
def index(tmp_path: Path) -> Path:
    """A folder of wheels, in which each release that is locked has a newer one where it could."""
    folder = tmp_path / "index"
    folder.mkdir()
    for (name, version), requirements in RELEASES.items():
        _wheel(folder, name.replace("-", "_"), version, requirements)
    return folder


def test_a_lock_installs_as_it_is(python: Path, index: Path, tmp_path: Path) -> None:
    installed = _install(python, _lock(index, tmp_path, LOCKED), index)
    assert installed.returncode == 0, installed.stderr
    freeze = subprocess.run([python, "-m", "pip", "freeze"], capture_output=True, text=True, check=True).stdout
    assert freeze.split() == ["asks_with_extra==1", "asks_without==1", "more==1", "thing==1"]


def test_a_lock_that_lacks_what_a_package_needs_is_refused(python: Path, index: Path, tmp_path: Path) -> None:
    installed = _install(python, _lock(index, tmp_path, ("asks-without",)), index)
    assert installed.returncode != 0
    assert "asks-without 1 requires thing, which is not installed" in installed.stdout + installed.stderr


def test_a_wheel_of_another_content_is_refused(python: Path, index: Path, tmp_path: Path) -> None:
    lock = _lock(index, tmp_path, LOCKED)
    _wheel(index, "more", "1", ["thing"])
    installed = _install(python, lock, index)
    assert installed.returncode != 0
    assert "DO NOT MATCH" in installed.stderr


@pytest.fixture(scope="module")
def bare_environment(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A virtual environment with this Python's own pip, or with PIP_UNDER_TEST; nothing is added to it."""
    folder = tmp_path_factory.mktemp("bare")
    subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    if pip := os.environ.get("PIP_UNDER_TEST"):
        subprocess.run([folder / "bin" / "python", "-m", "pip", "install", "--quiet", f"pip=={pip}"], check=True)
    return folder


@pytest.fixture
def python(bare_environment: Path, tmp_path: Path) -> Path:
    """The Python of a fresh virtual environment."""
    shutil.copytree(bare_environment, tmp_path / "venv", symlinks=True)
    return tmp_path / "venv" / "bin" / "python"


def _install(python: Path, lock: Path, index: Path) -> "subprocess.CompletedProcess[str]":
    environment = {"PATH": os.environ["PATH"], "PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(index), "HOME": str(index)}
    return subprocess.run(["sh", INSTALL, python, lock], env=environment, capture_output=True, text=True, check=False)


def _lock(index: Path, folder: Path, names: Sequence[str]) -> Path:
    lines = [f"{name}==1 --hash=sha256:{_digest(index / _file_name(name.replace('-', '_'), '1'))}" for name in names]
    lock = folder / "lock.txt"
    lock.write_text("\n".join(lines))
    return lock


def _digest(wheel: Path) -> str:
    return hashlib.sha256(wheel.read_bytes()).hexdigest()


def _file_name(name: str, version: str) -> str:
    return f"{name}-{version}-py3-none-any.whl"


def _wheel(folder: Path, name: str, version: str, requirements: Sequence[str]) -> None:
    about = f"{name}-{version}.dist-info"
    extras = ["Provides-Extra: more"] if name == "thing" else []
    metadata = ["Metadata-Version: 2.1", f"Name: {name}", f"Version: {version}", *extras]
    metadata += [f"Requires-Dist: {requirement}" for requirement in requirements]
    files: Mapping[str, str] = {
        f"{name}.py": "",
        f"{about}/METADATA": "\n".join(metadata) + "\n",
        f"{about}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = "".join(f"{path},,\n" for path in (*files, f"{about}/RECORD"))
    with zipfile.ZipFile(folder / _file_name(name, version), "w") as archive:
        for path, content in {**files, f"{about}/RECORD": record}.items():
            archive.writestr(path, content)
