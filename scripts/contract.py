"""Writes docs/openapi.json, the contract of the API, and the generated tables of the README."""

import json
import sys
from collections.abc import Iterator, Mapping
from typing import Any, Final

from app import __version__
from app.processes.api import create_app
from app.settings import read
from scripts import settings, tree

METHODS: Final = ("get", "post", "put", "patch", "delete")


def document() -> dict[str, Any]:
    """Builds the OpenAPI document with default settings, ignoring the environment."""
    built: dict[str, Any] = create_app(read(_env_file=None, version=__version__)).app.openapi()
    return built


def files() -> dict[str, str]:
    """Returns the text of each generated file, by path from the root of the tree."""
    contract = document()
    readme = (tree.ROOT / "README.md").read_text(encoding="utf-8")
    readme = _between(readme, "endpoints", _endpoints(contract))
    readme = _between(readme, "settings", settings.tables())
    text = json.dumps(contract, indent=1, ensure_ascii=False, sort_keys=True)
    return {"docs/openapi.json": f"{text}\n", "README.md": readme}


def _endpoints(contract: Mapping[str, Any]) -> str:
    rows = [f"| `{method.upper()} {path}` | {about} |\n" for method, path, about in _operations(contract)]
    return f"| endpoint | what |\n|---|---|\n{''.join(rows)}"


def _operations(contract: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    """Yields method, path and the first paragraph of the description of each operation."""
    for path, operations in contract["paths"].items():
        for method in METHODS:
            if method in operations:
                about = operations[method].get("description") or operations[method]["summary"]
                yield method, path, about.split("\n\n")[0].replace("\n", " ")


def _between(text: str, name: str, table: str) -> str:
    """Replaces the text between two markers. Raises ValueError if the markers are missing."""
    begin, end = f"<!-- {name}: make generate -->\n", f"<!-- end of {name} -->\n"
    before, found, rest = text.partition(begin)
    _, ended, after = rest.partition(end)
    if not (found and ended):
        raise ValueError(f"README.md has no markers for {name}: add {begin!r} and {end!r}")
    return f"{before}{begin}\n{table}\n{end}{after}"


if __name__ == "__main__":
    sys.exit(tree.settle(files(), description=__doc__ or ""))
