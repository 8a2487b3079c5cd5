"""Public docstrings begin with a verb or a noun phrase."""

from pathlib import Path

import pytest

from tests.style.docstrings import first_word, public_docstrings, wrong_beginnings
from tests.style.exemptions import EXEMPT, is_below
from tests.style.glossary import PACKAGES


@pytest.mark.parametrize("package", [*PACKAGES, "tests/app", "tests/system"])
def test_public_docstrings_begin_with_a_verb_or_a_noun_phrase(root: Path, package: str) -> None:
    files = {str(path.relative_to(root)): path for path in sorted((root / package).rglob("*.py"))}
    checked = {name: path for name, path in files.items() if not is_below(name, EXEMPT)}
    found = [
        sentence
        for name, path in checked.items()
        for sentence in wrong_beginnings(name, path.read_text(encoding="utf-8"))
    ]
    assert found == []


@pytest.mark.parametrize(
    "text",
    [
        "What of a request's own words may be told to a log.",
        "Whether a series may have these labels.",
        "How late the loop is.",
        "Around a wait for a connection.",
        "Of these shops together.",
        "`For` people.",
    ],
)
def test_a_wrong_beginning_is_refused(text: str) -> None:
    for source in (f'"""{text}"""\n', f'class Shop:\n    def open(self):\n        """{text}"""\n'):
        (found,) = wrong_beginnings("app/planted.py", source)
        assert "begin with a verb or a noun phrase" in found
        assert text in found


@pytest.mark.parametrize(
    "text",
    ["Returns the items.", "Session factories for one pool.", "`client_pool` of a Locust user.", "What-if costs."],
)
def test_a_verb_or_a_noun_phrase_passes(text: str) -> None:
    assert list(wrong_beginnings("app/planted.py", f'"""{text}"""\n')) == []


def test_private_and_nested_functions_are_not_checked() -> None:
    private = 'def _private():\n    """What."""\n'
    nested = 'def outer():\n    """Outer."""\n    def inner():\n        """How."""\n'
    source = f'"""Module."""\n{private}{nested}'
    assert [text for _, text in public_docstrings(source)] == ["Module.", "Outer."]


def test_the_first_word_is_without_punctuation() -> None:
    assert first_word("`Whether`: it is so") == "whether"
    assert first_word("") == ""
