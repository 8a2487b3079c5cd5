"""Writes docs/telemetry.md, the tables of app/telemetry/catalogue.yaml."""

import sys

from scripts import tree
from scripts.catalogue.model import CatalogueError, load
from scripts.catalogue.page import page

PAGE = "docs/telemetry.md"


def files() -> dict[str, str]:
    """Text of each generated file, by path from the root of the tree. Raises CatalogueError."""
    return {PAGE: page(load())}


def main() -> int:
    try:
        made = files()
    except CatalogueError as error:
        sys.stderr.write(f"app/telemetry/catalogue.yaml:\n{error}\n")
        return 1
    return tree.settle(made, description=__doc__ or "")


if __name__ == "__main__":
    sys.exit(main())
