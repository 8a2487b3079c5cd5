"""Portability: other ports, terminals, directory names and environment variables."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from app.settings import read
from tests.support.ports import free_port
from tests.support.processes import REPOSITORY, Processes


@pytest.mark.parametrize(
    ("given", "url"),
    [
        ({}, "http://127.0.0.1:8001"),
        ({"sandbox_port": 8101}, "http://127.0.0.1:8101"),
        ({"sandbox_host": "0.0.0.0"}, "http://127.0.0.1:8001"),  # noqa: S104
        ({"sandbox_host": "::", "sandbox_port": 8101}, "http://127.0.0.1:8101"),
        ({"sandbox_port": 8101, "provider_url": "https://pay.example.com"}, "https://pay.example.com"),
    ],
)
def test_the_providers_url_follows_the_sandbox_port_unless_it_is_set(given: dict[str, object], url: str) -> None:
    assert read(_env_file=None, **given).provider_url == url


def test_the_number_of_api_processes_does_not_apply_to_the_sandbox(processes: Processes) -> None:
    assert processes.sandbox(
        WEB_CONCURRENCY=2, DATABASE_URL="postgresql://nobody@127.0.0.1:9/none", REDIS_URL="redis://127.0.0.1:9"
    )


def test_every_help_text_fits_an_ascii_terminal(tmp_path: Path) -> None:
    environment = {"PATH": os.environ["PATH"], "PYTHONIOENCODING": "ascii", "STATE_DIR": str(tmp_path)}
    for module in ("app", "loadtests"):
        shown = subprocess.run(
            [sys.executable, "-m", module, "--help"], cwd=REPOSITORY, env=environment, capture_output=True, check=False
        )
        assert (shown.returncode, shown.stderr) == (0, b"")
        assert shown.stdout.isascii()


def test_a_refusal_is_complete_on_an_ascii_terminal(processes: Processes) -> None:
    refused = processes.start("migrate", PYTHONIOENCODING="ascii", DATABASE_URL="mysql://somewhere")
    assert refused.wait() == 2
    assert "DATABASE_URL: the database is not supported" in refused.log.read_text()


@pytest.mark.parametrize("name", ["50%off", "it's here", "größe #1"])
def test_a_checkout_in_a_directory_of_any_name_migrates_and_serves(tmp_path: Path, name: str) -> None:
    checkout = tmp_path / name
    checkout.mkdir()
    shutil.copytree(REPOSITORY / "app", checkout / "app", ignore=shutil.ignore_patterns("__pycache__"))
    environment = {"PATH": os.environ["PATH"], "PORT": str(free_port())}
    migrated = subprocess.run(
        [sys.executable, "-m", "app", "migrate"],
        cwd=checkout,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert migrated.returncode == 0, migrated.stderr
    assert (checkout / "var" / "binnacle.db").exists()
