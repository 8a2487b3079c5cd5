"""When two names are the same: alike but for case and for how accents are encoded."""

from unicodedata import normalize


def name_key(name: str) -> str:
    """What is unique over the whole catalogue."""
    return normalize("NFC", normalize("NFC", name).casefold())
