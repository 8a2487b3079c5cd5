"""Writes .env.example and docs/settings.md from the groups of app.settings.Settings."""

import sys
from collections.abc import Iterator

from pydantic import AliasChoices
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings

from app.settings import Settings
from scripts import tree

HEADER = """# Settings of Binnacle, each with its default. Copy to .env and change what you need.
# Generated from app/settings: make generate
"""
PAGE = """# Settings

Read once at the start, by every process. The first source that has one wins: the environment, `.env`, a file of the
same lower-case name in the folder that `SECRETS_DIR` names, the default. What is wrong is said in one message before
anything starts.

Generated from `app/settings`; `.env.example` is the same to copy from.
"""
TABLE = """
## {title}

| variable | default | what |
|---|---|---|
"""


def files() -> dict[str, str]:
    """Text of each generated file, by path from the root of the tree."""
    example = HEADER
    for group in Settings.__bases__:
        example += f"\n\n### {group.__doc__}\n"
        example += "".join(f"\n{_comment(about)}#{name}={default}\n" for name, default, about in _fields(group))
    return {".env.example": example, "docs/settings.md": PAGE + tables()}


def tables() -> str:
    """A table of Markdown for each group."""
    text = ""
    for group in Settings.__bases__:
        rows = "".join(_row(*field) for field in _fields(group))
        text += TABLE.format(title=(group.__doc__ or "").rstrip(".")) + rows
    return text


def _fields(group: type[BaseSettings]) -> Iterator[tuple[str, str, str]]:
    """Name, default (empty when there is none) and meaning of each setting."""
    for name, field in group.model_fields.items():
        yield variable(name, field), _default(field), field.description or ""


def variable(name: str, field: FieldInfo) -> str:
    """The environment variable of a setting."""
    alias = field.validation_alias
    return str(alias.choices[0] if isinstance(alias, AliasChoices) else name).upper()


def _default(field: FieldInfo) -> str:
    default = field.default if field.default_factory is None else None  # it follows from another setting
    if default is None:
        return ""
    return ",".join(default) if isinstance(default, list) else str(default)


def _row(name: str, default: str, about: str) -> str:
    return f"| `{name}` | {f'`{default}`' if default else ''} | {about} |\n"


def _comment(about: str) -> str:
    return f"# {about}\n" if about else ""


if __name__ == "__main__":
    sys.exit(tree.settle(files(), description=__doc__ or ""))
