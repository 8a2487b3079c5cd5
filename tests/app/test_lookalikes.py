"""Visually identical names fold to one key; names with another meaning do not."""

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
def test_lookalikes_have_one_key(name: str) -> None:
    assert key(name) == "sextant"


def test_distinguishable_names_have_different_keys() -> None:
    assert len({key(name) for name in ["Sextant", *OTHERS]}) == len(OTHERS) + 1


def test_accents_of_either_encoding_and_all_spaces_are_equal() -> None:
    assert key("Caf\u00e9  au\u00a0lait") == key("cafe\u0301 au lait")


def test_folding_again_changes_nothing() -> None:
    for name in (*SEXTANT, *OTHERS, "\u0390", "\ufdfa", "\u00df", "\ufb03", "\u1e9e\u0345", "I\u0307"):
        assert key(key(name)) == key(name)


def test_a_word_of_one_alphabet_mixes_none() -> None:
    assert not any(map(mixes_alphabets, ("sextant", "\u0441\u0435\u043a", "5\u00b5m", "\u65e5\u672cA", "")))
    assert mixes_alphabets("s\u0435xtant")
