"""Keys that anybody can guess: placeholders, published ones, and those with a pattern instead of chance."""

from itertools import pairwise
from typing import Final

# Words in whatever writing; no key that was made by chance holds one of these.
_PLACEHOLDERS: Final = (
    "changeme", "changeit", "secret", "example", "placeholder", "password", "default", "replaceme", "yourkey",
    "insecure", "binnacle", "development",
)  # fmt: skip
_SEPARATORS: Final = str.maketrans("", "", "-_ .<>{}$")
# Keys that a tutorial prints and its readers keep: FastAPI's page on OAuth2 with JWT.
_PUBLISHED: Final = frozenset({"09d25e094faa6ca2556c818166b7a9563b93f7099f6f0f4caa6cf63b88e8d3e7"})
# Of 32 random hexadecimal digits, the least that anybody makes, 31 pairs of neighbours are nearly all different: fewer
# than 20 are, or fewer than 8 steps from one to the next, less often than once in a million.
_FEWEST_PAIRS: Final = 20
_FEWEST_STEPS: Final = 8


def is_guessable(key: str) -> bool:
    """Returns True for a key of 32 characters or more that is published, a placeholder or a pattern."""
    plain = key.casefold().translate(_SEPARATORS)
    if plain in _PUBLISHED or any(word in plain for word in _PLACEHOLDERS):
        return True
    pairs = list(pairwise(key))
    steps = {ord(second) - ord(first) for first, second in pairs}
    return len(set(pairs)) < _FEWEST_PAIRS or len(steps) < _FEWEST_STEPS
