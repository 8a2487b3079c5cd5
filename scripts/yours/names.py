"""Spellings of a product's name, and which of them stands where."""

import re
from dataclasses import dataclass
from typing import Final

OURS: Final = "binnacle"
LOOKALIKE: Final = "B1nnacle"
SHORTEST, LONGEST = 3, 30
_VALID: Final = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
_LETTERS: Final = str.maketrans("aeilost", "4311057")
# An attribute of an object, and one of a span.
_ATTRIBUTE: Final = re.compile(r"\.\.[a-z]|.?\.job\.")
_OCCURRENCE: Final = re.compile(rf"{LOOKALIKE}|{OURS}", re.IGNORECASE)


class RefusedError(Exception):
    """Refusal of what cannot be done; the message is one sentence for the user."""


@dataclass(frozen=True)
class Name:
    """A name of lower-case words joined by dashes, such as `harbour-shop`."""

    dashed: str

    def __post_init__(self) -> None:
        if not SHORTEST <= len(self.dashed) <= LONGEST or not _VALID.fullmatch(self.dashed):
            raise RefusedError(
                f"NAME={self.dashed} can't be used: write {SHORTEST} to {LONGEST} lower-case letters and digits, in "
                "words joined by single dashes and with a letter first, such as acme or harbour-shop."
            )
        if OURS in self.joined:
            raise RefusedError(f"NAME={self.dashed} can't be used: it contains the name that it replaces.")

    @property
    def joined(self) -> str:
        return self.dashed.replace("-", "")

    @property
    def snake(self) -> str:
        return self.dashed.replace("-", "_")

    @property
    def camel(self) -> str:
        return self.title.replace(" ", "")

    @property
    def title(self) -> str:
        return " ".join(part.capitalize() for part in self.dashed.split("-"))

    @property
    def lookalike(self) -> str:
        """The name with one letter as the digit that resembles it: B0b for bob; the name where no letter does."""
        words = self.camel
        place = next((at for at, letter in enumerate(words) if letter.translate(_LETTERS) != letter), None)
        return words if place is None else words[:place] + words[place].translate(_LETTERS) + words[place + 1 :]

    def replace_in(self, text: str) -> str:
        """Returns the text with this name for ours, each in the spelling that its place needs."""
        return _OCCURRENCE.sub(self._spelled, text)

    def _spelled(self, found: re.Match[str]) -> str:
        word, before, after = found[0], found.string[: found.start()][-1:], found.string[found.end() :]
        if word == LOOKALIKE:
            return self.lookalike
        if word.isupper():
            return self.snake.upper()
        joined = before.isalpha() or after[:1].isalpha()
        if word[0].isupper():
            return self.camel if joined or after[:1] == "{" else self.title
        if joined:
            return self.joined
        return self.snake if "_" in {before, after[:1]} or _ATTRIBUTE.match(before + after) else self.dashed
