"""Request ids: the caller's, or new ones."""

import random
import re
from typing import Final

_VALID: Final = re.compile(rb"[A-Za-z0-9._-]{1,128}")


def given_id(field: bytes | None) -> str | None:
    """Returns the value of X-Request-ID, or None unless logs and headers may repeat it."""
    return field.decode("ascii") if field is not None and _VALID.fullmatch(field) else None


def new_id() -> str:
    """Returns 32 hexadecimal digits."""
    return random.randbytes(16).hex()  # noqa: S311 -- a name, no secret
