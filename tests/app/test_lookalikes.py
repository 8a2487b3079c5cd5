"""Names that a reader can't tell apart fold into one form; names that mean something else don't."""

import pytest

from app.text.lookalikes import key, mixes_alphabets

SEXTANT = [
    "sextant", "SEXTANT", "Sext\u0430nt", "S\u0435xt\u03b1nt", "\uff33extant", "Sext\u200bant", "Sext\u00adant",
    "  Sextant ", "Sextant\ufe0f", "\U0001d412extant", "Sextan\U000e0074t",
]  # fmt: skip
OTHERS = [
    "S\u00e9xtant", "Sextant 2", "sex tant", "\u0441\u0435\u043a\u0441\u0442\u0430\u043d\u0442", "5 \u03a9", "k\u03a9",
]  # fmt: skip


@pytest.mark.parametrize("name", SEXTANT, ids=ascii)
def test_one_look_is_one_form(name: str) -> None:
    assert key(name) == "sextant"


def test_other_looks_are_other_forms() -> None:
    assert len({key(name) for name in ["Sextant", *OTHERS]}) == len(OTHERS) + 1


def test_accents_may_be_encoded_in_either_way_and_spaces_be_any() -> None:
    assert key("Caf\u00e9  au\u00a0lait") == key("cafe\u0301 au lait")


def test_folding_again_changes_nothing() -> None:
    for name in (*SEXTANT, *OTHERS, "\u0390", "\ufdfa", "\u00df", "\ufb03", "\u1e9e\u0345", "I\u0307"):
        assert key(key(name)) == key(name)


def test_a_word_of_one_alphabet_mixes_none() -> None:
    assert not any(map(mixes_alphabets, ("sextant", "\u0441\u0435\u043a", "5\u00b5m", "\u65e5\u672cA", "")))
    assert mixes_alphabets("s\u0435xtant")
