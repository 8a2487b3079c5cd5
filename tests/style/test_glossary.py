"""Rejected terms do not come back, and each rule rejects its example."""

import subprocess
from pathlib import Path

import pytest

from tests.style.exemptions import EXEMPT, is_below
from tests.style.glossary import TERMS, Term

SUFFIXES = {".py", ".yaml", ".yml", ".md", ".sh", ".toml", ".tpl", ".txt", ""}
# Generated from checked files, or lists of other projects' names.
GENERATED = ("requirements", "helm/binnacle/files", "k8s", "docs/openapi.json", "LICENSE")


@pytest.fixture(scope="module")
def texts(root: Path) -> dict[str, str]:
    """Text of each checked file, by path from the root of the tree."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=root,
        check=True,
        capture_output=True,
        text=True,
    ).stdout.splitlines()
    exempt = (*EXEMPT, *GENERATED)
    checked = [path for path in listed if Path(path).suffix in SUFFIXES and not is_below(path, exempt)]
    return {path: (root / path).read_text(encoding="utf-8") for path in checked if (root / path).is_file()}


@pytest.mark.parametrize("term", TERMS, ids=str)
def test_a_rejected_term_is_nowhere(texts: dict[str, str], term: Term) -> None:
    assert [found for path, text in texts.items() for found in term.found_in(path, text)] == []


@pytest.mark.parametrize("term", TERMS, ids=str)
def test_each_rule_rejects_its_example_in_its_folders_and_nowhere_else(term: Term) -> None:
    for folder in term.folders:
        (found,) = term.found_in(f"{folder}/planted.py", f"\n{term.example}\n")
        assert found.startswith(f"{folder}/planted.py:2: write {term.write}, not ")
    assert list(term.found_in("elsewhere/planted.py", term.example)) == []


@pytest.mark.parametrize("term", TERMS, ids=str)
def test_no_replacement_is_rejected_itself(term: Term) -> None:
    for folder in term.folders:
        assert list(term.found_in(folder, term.write)) == []


def test_words_that_only_look_like_a_rejected_term_pass() -> None:
    accepted = "The source of truth is released; cache_left_alone; a dead letter; Recommended returns."
    found = [sentence for term in TERMS for path in term.folders for sentence in term.found_in(path, accepted)]
    assert found == []


def test_every_exemption_exists(root: Path) -> None:
    assert [path for path in EXEMPT if not (root / path).exists()] == []
