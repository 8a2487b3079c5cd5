"""Everything in the tree that names a version of somebody else's work is watched for updates."""

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
UPDATES = yaml.safe_load((ROOT / ".github/dependabot.yml").read_text())["updates"]

# What Dependabot reads; what stands before the name is the folder it must be told, but for the folders that are part of
# the name. k8s/base is rendered from the chart, so it must not be moved on its own.
READS = {
    "pip": r"(|.*/)(pyproject\.toml|requirements/[\w-]+\.txt)",
    "github-actions": r"()\.github/workflows/[\w-]+\.yml",
    "docker": r"(|.*/)(Dockerfile|Containerfile|(?<=helm/binnacle/)values\.yaml)",
    "docker-compose": r"(|.*/)(docker-)?compose\.ya?ml",
    "gitsubmodule": r"()\.gitmodules",
    "gomod": r"(|.*/)go\.mod",
    "npm": r"(|.*/)package\.json",
    "pre-commit": r"()\.pre-commit-config\.yaml",
}


def test_every_manifest_in_the_tree_is_watched_and_nothing_else() -> None:
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    files = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout.splitlines()
    owed = {
        (ecosystem, "/" + found[1].rstrip("/"))
        for file in files
        for ecosystem, pattern in READS.items()
        if (found := re.fullmatch(pattern, file))
    }
    watched = {
        (update["package-ecosystem"], directory)
        for update in UPDATES
        for directory in update.get("directories", [update.get("directory")])
    }
    assert watched == owed


@pytest.mark.parametrize("update", UPDATES, ids=[update["package-ecosystem"] for update in UPDATES])
def test_updates_wait_a_week_and_come_together(update: dict[str, Any]) -> None:
    assert update["cooldown"] == {"default-days": 7}
    assert [group["patterns"] for group in update["groups"].values()] == [["*"]]
