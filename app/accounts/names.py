"""Usernames: what one looks like, and which are not to be had."""

import re
from typing import Final

from app.folding import fold

USERNAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{2,63}")
# Names that could speak for the service, its roles, and words of its own addresses.
RESERVED: Final = frozenset(
    {
        "admin",
        "administrator",
        "anonymous",
        "api",
        "binnacle",
        "deleted",
        "help",
        "info",
        "moderator",
        "none",
        "null",
        "postmaster",
        "root",
        "security",
        "seller",
        "staff",
        "support",
        "system",
        "undefined",
        "user",
        "users",
        "webmaster",
    }
)


def free(username: str) -> str:
    """The name as it is. Raises ValueError when nobody can have it."""
    if fold(username) in RESERVED:
        raise ValueError("this name is reserved; choose another")
    return username
