"""Writes .env.example and docs/settings.md from the groups of app.settings.Settings."""

import sys
from collections.abc import Iterator

from pydantic import AliasChoices
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings

from app.settings import Settings
from scripts import generated_files

HEADER = """# Settings of Binnacle with their defaults. Copy this file to .env and change the values you need.
# Generated from app/settings: make generate
"""
PAGE = """# Settings

Every process reads its settings once, at start. The first source with a value wins: the environment; `.env`; a file
with the setting's lower-case name in the folder `SECRETS_DIR`; the default. If settings are invalid, the process lists
all errors in one message and exits.

Generated from `app/settings`. `.env.example` holds the same settings to copy.
"""
TABLE = """
## {title}

| variable | default | description |
|---|---|---|
"""


def files() -> dict[str, str]:
    """Returns the text of each generated file, by path from the root of the tree."""
    example = HEADER
    for group in Settings.__bases__:
        example += f"\n\n### {group.__doc__}\n"
        example += "".join(f"\n{_comment(about)}#{name}={default}\n" for name, default, about in _fields(group))
    return {".env.example": example, "docs/settings.md": PAGE + tables()}


def tables() -> str:
    """Formats a Markdown table for each group of settings."""
    text = ""
    for group in Settings.__bases__:
        rows = "".join(_row(*field) for field in _fields(group))
        text += TABLE.format(title=(group.__doc__ or "").rstrip(".")) + rows
    return text


def _fields(group: type[BaseSettings]) -> Iterator[tuple[str, str, str]]:
    """Yields name, default (empty without one) and description of each setting."""
    for name, field in group.model_fields.items():
        yield variable(name, field), _default(field), field.description or ""


def variable(name: str, field: FieldInfo) -> str:
    """Returns the environment variable of a setting."""
    alias = field.validation_alias
    return str(alias.choices[0] if isinstance(alias, AliasChoices) else name).upper()


def _default(field: FieldInfo) -> str:
    default = field.default if field.default_factory is None else None  # derived from another setting
    if default is None:
        return ""
    return ",".join(default) if isinstance(default, list) else str(default)


def _row(name: str, default: str, about: str) -> str:
    return f"| `{name}` | {f'`{default}`' if default else ''} | {about} |\n"


def _comment(about: str) -> str:
    return f"# {about}\n" if about else ""


if __name__ == "__main__":
    sys.exit(generated_files.settle(files(), description=__doc__ or ""))
