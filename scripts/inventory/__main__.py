"""Writes docs/telemetry.md from app/telemetry/inventory.yaml."""

import sys

from scripts import generated_files
from scripts.inventory.model import InventoryError, load
from scripts.inventory.page import page

PAGE = "docs/telemetry.md"


def files() -> dict[str, str]:
    """Returns the text of each generated file, by path from the root of the tree. Raises InventoryError."""
    return {PAGE: page(load())}


def main() -> int:
    try:
        generated = files()
    except InventoryError as error:
        sys.stderr.write(f"app/telemetry/inventory.yaml:\n{error}\n")
        return 1
    return generated_files.settle(generated, description=__doc__ or "")


if __name__ == "__main__":
    sys.exit(main())
