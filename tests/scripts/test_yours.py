"""A copy under another name has no other name in it, and is right where lengths and order matter."""

import os
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from scripts.yours import finish, tree_copy
from scripts.yours.__main__ import main
from scripts.yours.names import Name, RefusedError

LONG = "very-long-company-name"
SOURCES: Mapping[str, str] = {
    "helm/binnacle/a.tpl": '{{ include "binnacle.fullname" . }}-api on shop-binnacle-api\n',
    "a.py": 'binnacle = f"{binnacle.x}/binnacle-{binnacle_y}"\nclass MyBinnacle: 1\nd = "binnacle"\n',
    "b.md": "# Binnacle: BinnacleStuck\n\n[x](#binnaclestuck), B1nnacle\n",
    "c.sh": "echo ${BINNACLE_CACHE:-binnacle} && psql binnacle_app binnacle1\n",
    "d.yaml": "- binnacle.job.outcome\n- api.binnacle.telemetry\n- a_binnacle\n",
    "Makefile": "## A\n\na:\n\ttrue\n\n## Make it yours\n\nyours:\n\ttrue\n\n## B\n\nproof: a test-yours b\n",
    "CHANGELOG.md": "# Changelog\n\n## [Unreleased]\n\n- Binnacle is new.\n",
    "README.md": "- a\n- see docs/yours.md\n  for more\n- b\n",
    "LICENSE": "of Binnacle\n",
    "scripts/yours/names.py": "",
    "docs/yours.md": "",
}
COPIED: Mapping[str, Mapping[str, str]] = {
    "acme": {
        "helm/acme/a.tpl": '{{ include "acme.fullname" . }}-api on shop-acme-api\n',
        "a.py": 'acme = f"{acme.x}/acme-{acme_y}"\nclass MyAcme: 1\nd = "acme"\n',
        "b.md": "# Acme: AcmeStuck\n\n[x](#acmestuck), Acm3\n",
        "c.sh": "echo ${ACME_CACHE:-acme} && psql acme_app acme1\n",
        "d.yaml": "- acme.job.outcome\n- api.acme.telemetry\n- a_acme\n",
    },
    "ship-yard": {
        "helm/ship-yard/a.tpl": '{{ include "ship-yard.fullname" . }}-api on shop-ship-yard-api\n',
        "a.py": 'ship_yard = f"{ship_yard.x}/ship-yard-{ship_yard_y}"\nclass MyShipYard: 1\nd = "ship-yard"\n',
        "b.md": "# Ship Yard: ShipYardStuck\n\n[x](#shipyardstuck), Sh1pYard\n",
        "c.sh": "echo ${SHIP_YARD_CACHE:-ship-yard} && psql ship_yard_app ship-yard1\n",
        "d.yaml": "- ship_yard.job.outcome\n- api.ship_yard.telemetry\n- a_ship_yard\n",
    },
}
SAME: Mapping[str, str] = {
    "Makefile": "## A\n\na:\n\ttrue\n\n## B\n\nproof: a b\n",
    "CHANGELOG.md": "# Changelog\n\n## [Unreleased]\n",
    "README.md": "- a\n- b\n",
    "LICENSE": "of Binnacle\n",
}


@pytest.fixture
def sources(tmp_path: Path) -> Path:
    folder = tmp_path / "sources"
    for path, text in SOURCES.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text)
    (folder / "c.sh").chmod(0o755)
    (folder / "picture").write_bytes(b"\xff\xfe")
    subprocess.run(["git", "init", "-q"], cwd=folder, check=True)
    subprocess.run(["git", "add", "."], cwd=folder, check=True)
    (folder / "untracked").write_text("a secret")
    return folder


@pytest.fixture
def _committer(monkeypatch: pytest.MonkeyPatch) -> None:
    for key in ("AUTHOR", "COMMITTER"):
        monkeypatch.setenv(f"GIT_{key}_NAME", "ada")
        monkeypatch.setenv(f"GIT_{key}_EMAIL", "ada@example.com")


def _files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("name", COPIED)
def test_each_place_gets_the_spelling_that_it_needs(sources: Path, tmp_path: Path, name: str) -> None:
    tree_copy.copy(sources, tmp_path / "copy", Name(name))
    expected = {path: text.encode() for path, text in {**COPIED[name], **SAME}.items()}
    assert _files(tmp_path / "copy") == expected | {"picture": b"\xff\xfe"}
    assert os.access(tmp_path / "copy/c.sh", os.X_OK)


@pytest.mark.parametrize("name", ["", "io", "Acme", "a_b", "-a-", "a--b", "1st-shop", "a.b", "a b", "a" * 31, "äcme"])
def test_a_name_that_is_none_of_hosts_and_python_is_refused(name: str) -> None:
    with pytest.raises(RefusedError, match="lower-case letters and digits"):
        Name(name)


@pytest.mark.parametrize("name", ["binnacle", "binnacle-two", "bin-nacle"])
def test_a_name_that_contains_ours_is_refused(name: str) -> None:
    with pytest.raises(RefusedError, match="the name that it replaces"):
        Name(name)


@pytest.mark.parametrize("name", ["shop", "api", "app", "import"])
def test_a_name_that_means_something_else_already_is_refused(root: Path, name: str) -> None:
    with pytest.raises(RefusedError, match="with another meaning"):
        tree_copy.check(root, Name(name))


def test_a_folder_without_git_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RefusedError, match="not a Git checkout"):
        tree_copy.tracked(tmp_path)


def test_a_commit_of_nobody_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    for key in ("NAME", "EMAIL"):
        monkeypatch.setenv(f"GIT_COMMITTER_{key}", "")
    with pytest.raises(RefusedError, match="who commits"):
        finish.check()


@pytest.mark.usefixtures("_committer")
def test_a_folder_that_holds_something_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "kept").write_text("mine")
    for target in (tmp_path, tmp_path / "kept"):
        assert main(["--name", LONG, "--to", str(target)]) == 1
        assert capsys.readouterr().err == f"TO={target} can't be used: it exists and isn't an empty folder.\n"
    assert main(["--name", LONG, "--to", "docs/acme"]) == 1
    assert "inside this repository" in capsys.readouterr().err
    assert _files(tmp_path) == {"kept": b"mine"}


@pytest.mark.timeout(900)
@pytest.mark.usefixtures("_committer")
def test_a_copy_of_everything(root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    target = tmp_path / LONG
    assert main(["--name", LONG, "--to", str(target)]) == 0, capsys.readouterr().err
    assert ("helm is not on PATH" in capsys.readouterr().out) == (finish.helm() is None)

    found = re.compile(rb"b[i1]nnacle|make yours|test-yours|yours\.md", re.IGNORECASE)
    files = {path: text for path, text in _files(target).items() if not path.startswith(".git/")}
    assert [path for path, text in files.items() if found.search(path.encode()) or found.search(text)] == []
    assert files["LICENSE"] == (root / "LICENSE").read_bytes()
    for path, text in files.items():
        if path.endswith(".py"):
            compile(text, path, "exec")

    assert set(_said(target, "git", "ls-files").split()) == files.keys()
    assert _said(target, "git", "status", "--porcelain") == ""
    assert files[finish.PREVIOUS].decode() == _said(target, "git", "rev-parse", "HEAD~1")
    _said(target, sys.executable, "-m", "ruff", "check", "--no-cache", "-q", ".")
    _said(target, sys.executable, "-m", "ruff", "format", "--no-cache", "-q", "--check", ".")
    for module in finish.GENERATORS if finish.helm() is None else (*finish.GENERATORS, finish.RENDERED):
        _said(target, sys.executable, "-m", module, "--check")

    assert main(["--name", LONG, "--to", str(target)]) == 1
    assert "isn't an empty folder" in capsys.readouterr().err


def _said(folder: Path, *command: str) -> str:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_what_fails_in_the_copy_is_reported_with_its_own_words(tmp_path: Path) -> None:
    with pytest.raises(RefusedError, match="not-a-commit"):
        finish.run(tmp_path, "git", "show", "not-a-commit")
