"""The commands and their help."""

import json
import re
import tomllib
from pathlib import Path

import pytest

from app.accounts.permissions import Role
from app.cli import COMMANDS, Command, main

NAMES = [command.name for command in COMMANDS]


def _help(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    with pytest.raises(SystemExit) as ended:
        main([*arguments, "--help"])
    assert ended.value.code == 0
    return " ".join(capsys.readouterr().out.split())


def test_the_list_has_every_command_with_its_purpose(capsys: pytest.CaptureFixture[str]) -> None:
    help_text = _help(capsys)
    for command in COMMANDS:
        assert f"{command.name} {command.summary}" in help_text
    assert "Exit codes" in help_text


@pytest.mark.parametrize("command", COMMANDS, ids=NAMES)
def test_the_help_of_each_command_is_written_in_sentences(command: Command, capsys: pytest.CaptureFixture[str]) -> None:
    help_text = _help(capsys, command.name)
    assert re.search(r"[A-Z][^.]{20,}\. [A-Z`].{20,}\.", help_text)
    for option in re.findall(r"(?:^| )(--[a-z]+)", help_text.partition("options:")[2]):
        assert re.search(rf"{option}[^-]* [a-z]{{3,}} [a-z]{{2,}}", help_text.partition("options:")[2]), option


def test_promote_knows_every_role(capsys: pytest.CaptureFixture[str]) -> None:
    assert f"{{{','.join(Role)}}}" in _help(capsys, "promote")


def test_each_command_has_its_own_file(root: Path) -> None:
    files = {file.stem for file in (root / "app/commands").glob("*.py")}
    assert files - {"__init__", "shared_metrics", "startup"} == set(NAMES)


def test_a_missing_command_is_refused_with_the_list(capsys: pytest.CaptureFixture[str]) -> None:
    for arguments in ([], ["dance"]):
        with pytest.raises(SystemExit) as refused:
            main(arguments)
        assert refused.value.code == 2
    assert "smoke" in capsys.readouterr().err


def test_openapi_prints_the_document(
    root: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["openapi"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["openapi"].startswith("3.1")
    assert "/api/v1/orders" in document["paths"]
    assert list(tmp_path.iterdir()) == [], "it opens no database"
    title = document["info"]["title"]
    assert tomllib.loads((root / "pyproject.toml").read_text())["project"]["name"] == title.lower().replace(" ", "-")


@pytest.mark.parametrize("command", ["worker", "reconciler"])
def test_without_a_queue_its_processes_refuse_to_start(
    command: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main([command]) == 2
    assert "REDIS_URL" in capsys.readouterr().err
