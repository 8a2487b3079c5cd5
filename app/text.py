"""Text as it may enter: what databases and logs can't hold is refused at the door."""

from typing import Final

from pydantic import AfterValidator


def plain(value: str) -> str:
    """The text as it is. Raises ValueError."""
    if "\x00" in value:
        raise ValueError("must not contain a NUL character")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise ValueError("must be valid Unicode; a lone surrogate is not") from None
    return value


Plain: Final = AfterValidator(plain)
