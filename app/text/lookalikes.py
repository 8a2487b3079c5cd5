"""Folds text that looks alike into one form, for comparing names.

The letters are those of Unicode Technical Standard 39 (confusables) in the alphabets that share most of them.
"""

from collections.abc import Iterator
from typing import Final
from unicodedata import category, name, normalize

from app.text.types import HIDDEN_CHARACTERS

# Cyrillic, Greek, Armenian and phonetic letters, with their case folded.
_LETTERS: Final = {
    "a": "\u0430\u03b1\u0251",
    "b": "\u0432",
    "c": "\u0441\u03f2",
    "d": "\u0501",
    "e": "\u0435\u0454",
    "g": "\u0261\u0581",
    "h": "\u043d\u04bb",
    "i": "\u0456\u03b9\u0131",
    "j": "\u0458\u03f3",
    "k": "\u043a\u03ba",
    "l": "\u04cf",
    "m": "\u043c",
    "n": "\u03b7\u0578",
    "o": "\u043e\u03bf\u0585",
    "p": "\u0440\u03c1",
    "q": "\u051b",
    "r": "\u0433",
    "s": "\u0455",
    "t": "\u0442\u03c4",
    "u": "\u03c5\u057d",
    "v": "\u03bd\u0475",
    "w": "\u051d\u0461\u03c9",
    "x": "\u0445\u03c7",
    "y": "\u0443\u03b3",
}
_LATIN: Final = {ord(other): latin for latin, others in _LETTERS.items() for other in others}
_DIGITS: Final = str.maketrans("013457$@!|i", "oleastsalll")  # an i without its dot is an l in capitals
_ALPHABETS: Final = ("LATIN", "CYRILLIC", "GREEK", "ARMENIAN")
# Variation selectors and tags.
_SELECTORS: Final = map(chr, (*range(0xFE00, 0xFE10), *range(0xE0000, 0xE01F0)))
_UNSEEN: Final = HIDDEN_CHARACTERS.union(_SELECTORS)


def mixes_alphabets(word: str) -> bool:
    """Returns whether a word has letters of several alphabets that share letters."""
    alphabets = {name(letter, "").partition(" ")[0] for letter in word if letter.isalpha()}
    return len(alphabets.intersection(_ALPHABETS)) > 1


def key(text: str) -> str:
    """Returns the form that is unique among names: without case, compatibility forms and invisible characters.

    In words that mix alphabets, letters become the Latin ones that they resemble. Other words stay unchanged: a word of
    one alphabet is not deceptive.
    """
    seen = "".join(letter for letter in normalize("NFKC", text).casefold() if letter not in _UNSEEN)
    words = normalize("NFKC", seen).split()
    return " ".join(word.translate(_LATIN) if mixes_alphabets(word) else word for word in words)


def skeletons(text: str) -> Iterator[str]:
    """Yields the words of a text as a hasty reader sees them: without accents, letters for digits, m for rn."""
    decomposed = normalize("NFKD", normalize("NFKD", text).casefold())
    letters = "".join(letter for letter in decomposed if not category(letter).startswith(("M", "C")))
    for word in "".join(letter if letter.isalnum() or letter in "$@!|" else " " for letter in letters).split():
        yield word.translate(_LATIN).translate(_DIGITS).replace("rn", "m").replace("vv", "w")
