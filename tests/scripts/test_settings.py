"""The reference of the settings is what its generator makes of the code, and its example is what the code reads."""

from pathlib import Path

import pytest
from dotenv import dotenv_values

from app.settings import Settings, read
from scripts import settings


def test_the_tree_is_what_the_generator_writes(root: Path) -> None:
    for name, text in settings.files().items():
        assert (root / name).read_text() == text, f"run make generate: {name}"


def test_every_setting_says_what_it_is() -> None:
    assert [name for name, field in Settings.model_fields.items() if not field.description] == []


def test_the_example_sets_what_is_the_default_anyway(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    given = tmp_path / "given.env"
    lines = (root / ".env.example").read_text().splitlines()
    given.write_text(
        "\n".join(line.removeprefix("#") for line in lines if line.startswith("#") and line[1:2].isupper())
    )
    assert len(dotenv_values(given)) == len(Settings.model_fields)
    with_defaults = {name: value for name, value in dotenv_values(given).items() if value}
    given.write_text("\n".join(f"{name}={value}" for name, value in with_defaults.items()))
    assert read(_env_file=given) == read(_env_file=None)
