"""Usernames and display names: their format, and the reserved ones in any spelling."""

import re
from itertools import product
from typing import Final

from app.text.lookalikes import mixes_alphabets, skeletons

USERNAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{2,63}")
SERVICE: Final = "binnacle"
# No person has such a name: any name with one of these words appears to speak for the service.
TITLES: Final = frozenset({"admin", "administrator", "hostmaster", "moderator", "postmaster", "sysadmin", "webmaster"})
# People may have such names; combined with each other or with fillers they appear to speak for the service.
OFFICES: Final = frozenset({"abuse", "help", "helpdesk", "official", "root", "security", "staff", "support", "system"})
FILLERS: Final = frozenset(
    {"account", "accounts", "and", "chat", "customer", "desk", "my", "our", "service", "shop", "team", "the"}
)
# Words of the API's paths, and of programs.
WORDS: Final = frozenset(
    {"anonymous", "api", "deleted", "info", "none", "null", "seller", "undefined", "user", "users"}
)

_DECORATION: Final = re.compile(r"[0-9$@!|]+(?![^\W_])")  # at the end of a word


def _read(*words: str) -> frozenset[str]:
    return frozenset("".join(skeletons(word)) for word in words)


_SERVICE: Final = "".join(skeletons(SERVICE))
_TITLES: Final = _read(*TITLES)
_OFFICES: Final = _read(*TITLES, *OFFICES)
_FILLERS: Final = _read(*FILLERS)
_PAIRS: Final = frozenset(a + b for pair in product(_OFFICES, _OFFICES | _FILLERS) for a, b in (pair, pair[::-1]))


def official(name: str) -> bool:
    """Tests whether a name could be mistaken for the service's own: Admin_, supp0rt7, Binnacle Support."""
    return any(_speaks_for_the_service([*skeletons(form)]) for form in (name, _DECORATION.sub("", name)))


def _speaks_for_the_service(words: list[str]) -> bool:
    whole = "".join(words)
    return (
        _SERVICE in whole
        or whole in _OFFICES
        or whole in _PAIRS
        or not _TITLES.isdisjoint(words)
        or (not _OFFICES.isdisjoint(words) and (_OFFICES | _FILLERS).issuperset(words))
    )


def free(username: str) -> str:
    """Returns the name. Raises ValueError when it is reserved."""
    if official(username) or username.casefold().strip("._-") in WORDS:
        raise ValueError("this name is reserved; choose another")
    return username


def personal(display_name: str) -> str:
    """Returns the name. Raises ValueError when it could be mistaken for another one."""
    if any(map(mixes_alphabets, display_name.split())):
        raise ValueError("must not mix alphabets within a word")
    if official(display_name):
        raise ValueError("must not look like a name of the service or of its staff; choose another")
    return display_name
