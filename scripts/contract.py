"""Writes docs/openapi.json, the contract of the API, and the tables of the README that come from the code."""

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
    """The OpenAPI document of this code, whatever this machine's environment says."""
    made: dict[str, Any] = create_app(read(_env_file=None, version=__version__)).app.openapi()
    return made


def files() -> dict[str, str]:
    """Text of each generated file, by path from the root of the tree."""
    made = document()
    readme = (tree.ROOT / "README.md").read_text(encoding="utf-8")
    readme = _between(readme, "endpoints", _endpoints(made))
    readme = _between(readme, "settings", settings.tables())
    contract = json.dumps(made, indent=1, ensure_ascii=False, sort_keys=True)
    return {"docs/openapi.json": f"{contract}\n", "README.md": readme}


def _endpoints(made: Mapping[str, Any]) -> str:
    rows = [f"| `{method.upper()} {path}` | {about} |\n" for method, path, about in _operations(made)]
    return f"| endpoint | what |\n|---|---|\n{''.join(rows)}"


def _operations(made: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    """Method, path and the first line of the description of each operation."""
    for path, operations in made["paths"].items():
        for method in METHODS:
            if method in operations:
                about = operations[method].get("description") or operations[method]["summary"]
                yield method, path, about.split("\n\n")[0].replace("\n", " ")


def _between(text: str, name: str, table: str) -> str:
    """The text with what stands between two markers replaced. Raises ValueError when the markers are not there."""
    begin, end = f"<!-- {name}: make generate -->\n", f"<!-- end of {name} -->\n"
    before, found, rest = text.partition(begin)
    _, ended, after = rest.partition(end)
    if not (found and ended):
        raise ValueError(f"README.md has no pair of markers for {name}")
    return f"{before}{begin}\n{table}\n{end}{after}"


if __name__ == "__main__":
    sys.exit(tree.settle(files(), description=__doc__ or ""))
