"""Detects keys that can be guessed: placeholders, published keys, and keys with a pattern."""

from itertools import pairwise
from typing import Final

# Compared without case and separators. A random key practically never contains one of these words.
_PLACEHOLDERS: Final = (
    "changeme", "changeit", "secret", "example", "placeholder", "password", "default", "replaceme", "yourkey",
    "insecure", "binnacle", "development",
)  # fmt: skip
_SEPARATORS: Final = str.maketrans("", "", "-_ .<>{}$")
# Example keys that readers copy from tutorials: FastAPI's page on OAuth2 with JWT.
_PUBLISHED: Final = frozenset({"09d25e094faa6ca2556c818166b7a9563b93f7099f6f0f4caa6cf63b88e8d3e7"})
# Nearly all of the 31 pairs of neighbours in 32 random hexadecimal digits differ. The probability of fewer than 20
# distinct pairs, or fewer than 8 distinct differences between neighbours, is below one in a million.
_FEWEST_PAIRS: Final = 20
_FEWEST_STEPS: Final = 8


def is_guessable(key: str) -> bool:
    """Tests whether a key of 32 characters or more is published, a placeholder or a pattern."""
    plain = key.casefold().translate(_SEPARATORS)
    if plain in _PUBLISHED or any(word in plain for word in _PLACEHOLDERS):
        return True
    pairs = list(pairwise(key))
    steps = {ord(second) - ord(first) for first, second in pairs}
    return len(set(pairs)) < _FEWEST_PAIRS or len(steps) < _FEWEST_STEPS
