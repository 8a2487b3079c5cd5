"""Redacts what clients write into paths, addresses and methods: keeps route segments, ids and well-formed values."""

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Final

MAX_CACHED_LENGTH: Final = 128
CACHE_SIZE: Final = 1024
REDACTED: Final = "REDACTED"
MAX_ADDRESS_LENGTH: Final = 45
_ID: Final = re.compile(r"v?\d{1,9}|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_ADDRESS: Final = re.compile(r"[0-9a-fA-F.:]{2,45}")
_METHOD: Final = re.compile(r"[A-Z]{1,20}")


class Paths:
    """Redacts request paths; keeps numbers, UUIDs and the segments of an application's own routes."""

    def __init__(self, templates: Iterable[str]) -> None:
        segments = {segment for template in templates for segment in template.split("/") if "{" not in segment}
        self._segments = frozenset({"", *segments})
        self._cached = lru_cache(CACHE_SIZE)(self._redact)  # most requests are for a few paths

    def shown(self, path: str) -> str:
        """Returns the path with `REDACTED` for each other segment."""
        return self._cached(path) if len(path) <= MAX_CACHED_LENGTH else self._redact(path)

    def _redact(self, path: str) -> str:
        kept = [part if part in self._segments or _ID.fullmatch(part) else REDACTED for part in path.split("/")]
        return "/".join(kept)


def shown_address(address: str) -> str:
    """Returns an IP address, or `REDACTED`: behind a trusted proxy it is the text of X-Forwarded-For."""
    return address if len(address) <= MAX_ADDRESS_LENGTH and _is_address(address) else REDACTED


@lru_cache(CACHE_SIZE)
def _is_address(text: str) -> bool:
    return _ADDRESS.fullmatch(text) is not None


def shown_method(method: str) -> str:
    """Returns a method that is made of capital letters, or `REDACTED`."""
    return method if _METHOD.fullmatch(method) else REDACTED
