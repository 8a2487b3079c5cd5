"""The check of each kind of text and its pattern in the contract let in the same."""

import re
import sys

import pytest

from app.text.types import Filled, Lines, Name, OneLine, Plain, Text

KINDS = [Plain, Filled, OneLine, Name, Lines]
SURROGATES = range(0xD800, 0xE000)  # no JSON text holds them alone, so no pattern speaks of them
SHAPES = ("{}", " {}", "{} ", "a{}", "{}a", "a{}b", "a\r\n{}b", "a\n{}", "{}\n", "{}\r", "\r{}\n")


def _lets_in(text: Text, value: str) -> bool:
    try:
        text.check(value)
    except ValueError:
        return False
    return True


@pytest.mark.parametrize("text", KINDS, ids=["plain", "filled", "one line", "name", "lines"])
def test_the_check_and_the_pattern_are_the_same_for_every_character(text: Text) -> None:
    pattern = re.compile(text.pattern)
    shapes = SHAPES if text is not Plain else SHAPES[:1]
    for code in (*range(0x3100), *range(0xF900, 0x10000), 0x1F600, sys.maxunicode):
        for shape in shapes:
            value = shape.format(chr(code))
            assert _lets_in(text, value) == bool(pattern.fullmatch(value)), (ascii(value), text.pattern)


@pytest.mark.parametrize("text", KINDS, ids=["plain", "filled", "one line", "name", "lines"])
def test_a_lone_surrogate_is_no_text(text: Text) -> None:
    for code in (SURROGATES[0], SURROGATES[-1]):
        assert not _lets_in(text, f"a{chr(code)}")


def test_spaces_around_a_line_are_taken_off() -> None:
    assert OneLine.check("\u3000 Ada, Countess of Lovelace ") == "Ada, Countess of Lovelace"
    assert Filled.check("\n Sextant \t") == "Sextant"


@pytest.mark.parametrize("blank", ["", " ", "\t\n", "\u2003\u00a0"])
def test_what_is_blank_is_not_filled(blank: str) -> None:
    with pytest.raises(ValueError, match="must not be blank"):
        Filled.check(blank)


@pytest.mark.parametrize(
    "hidden", ["\u200b", "\u200d", "\u202e", "\u2066", "\u00ad", "\ufeff", "\u2060", "\u3164", "\n", "\x1b"]
)
def test_a_name_holds_nothing_that_nobody_sees(hidden: str) -> None:
    assert not _lets_in(Name, f"Sext{hidden}ant")


def test_prose_may_need_joiners_and_tabs_but_no_order_of_its_own() -> None:
    assert _lets_in(Lines, "\U0001f468\u200d\U0001f469\u200d\U0001f467\n\tmi\u200cravam")
    assert not _lets_in(Lines, "price: \u202e001")
    assert not _lets_in(Lines, "a\ufeffb")


def test_a_name_is_composed_but_never_made_longer() -> None:
    assert Name.check("Caf\u0065\u0301") == "Caf\u00e9"
    assert Name.check("\u0958") == "\u0958", "which NFC would make two"
