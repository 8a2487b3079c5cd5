"""What of a request's own words may be told to a log or a span: what is known beforehand or has the form of an id."""

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Final

LONGEST_KEPT: Final = 128
MOST_KEPT: Final = 1024
REDACTED: Final = "REDACTED"
_ID: Final = re.compile(r"v?\d{1,9}|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_ADDRESS: Final = re.compile(r"[0-9a-fA-F.:]{2,45}")
LONGEST_ADDRESS: Final = 45
_METHOD: Final = re.compile(r"[A-Z]{1,20}")


class Paths:
    """Knows the words of an application's own routes; any other may be a name, an address or a password."""

    def __init__(self, templates: Iterable[str]) -> None:
        words = {word for template in templates for word in template.split("/") if "{" not in word}
        self._words = frozenset({"", *words})
        self._kept = lru_cache(MOST_KEPT)(self._shown)  # a few paths are most of what is asked

    def shown(self, path: str) -> str:
        """The path, with each word that is neither of a route nor a number or a UUID made REDACTED."""
        return self._kept(path) if len(path) <= LONGEST_KEPT else self._shown(path)

    def _shown(self, path: str) -> str:
        return "/".join([word if word in self._words or _ID.fullmatch(word) else REDACTED for word in path.split("/")])


def shown_address(address: str) -> str:
    """An IP address; behind a trusted proxy it is whatever somebody wrote into X-Forwarded-For."""
    return address if len(address) <= LONGEST_ADDRESS and _is_address(address) else REDACTED


@lru_cache(MOST_KEPT)
def _is_address(text: str) -> bool:
    return _ADDRESS.fullmatch(text) is not None


def shown_method(method: str) -> str:
    """A method that is not one of the standard ones, if it is made of letters."""
    return method if _METHOD.fullmatch(method) else REDACTED
