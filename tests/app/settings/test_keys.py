"""Guessable keys are refused, and random ones are not."""

import re
import secrets
import subprocess
from pathlib import Path

import pytest

from app.settings.production import is_guessable

ROOT = Path(__file__).parents[3]
# The formats in which this repository writes keys: shell, YAML, Python and prose.
_WRITTEN = re.compile(r"""(?:secret_key|admin_token)["']?\s*[:=]\s*["']?([\w.<>-]{32,})""", re.IGNORECASE)
_MADE_BY_CALLS = re.compile(r"^(settings|config|self|os)\.")


@pytest.mark.parametrize(
    "key",
    [
        "09d25e094faa6ca2556c818166b7a9563b93f7099f6f0f4caa6cf63b88e8d3e7",
        "09D25E094FAA6CA2556C818166B7A9563B93F7099F6F0F4CAA6CF63B88E8D3E7",
        "0123456789abcdef" * 2,
        "0123456789abcdef" * 4,
        "0123456789abcdefghijklmnopqrstuvwxyz",
        "abcdefgh" * 8,
        "k" * 32,
        "a-key-for-development-and-nothing-else",
    ],
)
def test_published_and_patterned_keys_are_guessable(key: str) -> None:
    assert is_guessable(key)


def test_random_keys_are_not_guessable() -> None:
    made = [make(32) for make in (secrets.token_hex, secrets.token_urlsafe) for _ in range(2000)]
    assert [key for key in made if is_guessable(key)] == []


def test_every_key_in_this_repository_is_refused() -> None:
    tracked = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True).stdout
    found = {}
    for name in tracked.decode().split("\0"):
        path = ROOT / name
        if name.startswith("tests/") or not name or path.suffix in {".png", ".woff2", ".ico"}:
            continue
        for key in _WRITTEN.findall(path.read_text(errors="replace")):
            if not _MADE_BY_CALLS.match(key):
                found[key] = name
    assert "a-key-for-development-and-nothing-else" in found
    assert {key: name for key, name in found.items() if not is_guessable(key)} == {}
