"""Parses comma-separated lists from the environment."""

from typing import Any

from pydantic import BeforeValidator


def _split(value: Any) -> Any:
    return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value


CommaSeparated = BeforeValidator(_split)
