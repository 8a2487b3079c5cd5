"""When two names are the same: when a reader can't tell them apart but for case."""

from app.text import lookalikes


def name_key(name: str) -> str:
    """Returns what is unique over the whole catalogue. Items keep the keys that they got under earlier rules."""
    return lookalikes.key(name)
