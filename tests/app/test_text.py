"""The validator of each kind of text and its pattern in the contract accept the same values."""

import re
import sys

import pytest

from app.text.types import Filled, Lines, Name, OneLine, Plain, Text

KINDS = [Plain, Filled, OneLine, Name, Lines]
SURROGATES = range(0xD800, 0xE000)  # no JSON text holds one alone, so no pattern mentions them
SHAPES = ("{}", " {}", "{} ", "a{}", "{}a", "a{}b", "a\r\n{}b", "a\n{}", "{}\n", "{}\r", "\r{}\n")


def _accepts(text: Text, value: str) -> bool:
    try:
        text.check(value)
    except ValueError:
        return False
    return True


@pytest.mark.parametrize("text", KINDS, ids=["plain", "filled", "one line", "name", "lines"])
def test_the_validator_and_the_pattern_agree_for_every_character(text: Text) -> None:
    pattern = re.compile(text.pattern)
    shapes = SHAPES if text is not Plain else SHAPES[:1]
    for code in (*range(0x3100), *range(0xF900, 0x10000), 0x1F600, sys.maxunicode):
        for shape in shapes:
            value = shape.format(chr(code))
            assert _accepts(text, value) == bool(pattern.fullmatch(value)), (ascii(value), text.pattern)


@pytest.mark.parametrize("text", KINDS, ids=["plain", "filled", "one line", "name", "lines"])
def test_a_lone_surrogate_is_refused(text: Text) -> None:
    for code in (SURROGATES[0], SURROGATES[-1]):
        assert not _accepts(text, f"a{chr(code)}")


def test_surrounding_spaces_are_stripped() -> None:
    assert OneLine.check("\u3000 Ada, Countess of Lovelace ") == "Ada, Countess of Lovelace"
    assert Filled.check("\n Sextant \t") == "Sextant"


@pytest.mark.parametrize("blank", ["", " ", "\t\n", "\u2003\u00a0"])
def test_blank_text_is_refused(blank: str) -> None:
    with pytest.raises(ValueError, match="must not be blank"):
        Filled.check(blank)


@pytest.mark.parametrize(
    "hidden", ["\u200b", "\u200d", "\u202e", "\u2066", "\u00ad", "\ufeff", "\u2060", "\u3164", "\n", "\x1b"]
)
def test_a_name_has_no_invisible_characters(hidden: str) -> None:
    assert not _accepts(Name, f"Sext{hidden}ant")


def test_prose_may_have_joiners_and_tabs_and_no_direction_overrides() -> None:
    assert _accepts(Lines, "\U0001f468\u200d\U0001f469\u200d\U0001f467\n\tmi\u200cravam")
    assert not _accepts(Lines, "price: \u202e001")
    assert not _accepts(Lines, "a\ufeffb")


def test_a_name_is_normalised_but_never_lengthened() -> None:
    assert Name.check("Caf\u0065\u0301") == "Caf\u00e9"
    assert Name.check("\u0958") == "\u0958", "which NFC would make two"
