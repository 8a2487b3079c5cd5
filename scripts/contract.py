"""Writes docs/openapi.json, the contract of the API, and docs/endpoints.md, its endpoints on one page."""

import json
import sys
from collections.abc import Iterator, Mapping
from typing import Any, Final

from app import __version__
from app.processes.api import create_app
from app.settings import read
from scripts import generated_files

METHODS: Final = ("get", "post", "put", "patch", "delete")
PAGE: Final = """# Endpoints

The [contract](openapi.json) states every status, field and example; `/docs` and `/redoc` of a running service show it.
`python -m app openapi` prints it.

Two endpoints are not in the contract: `WS /ws/orders/{order_id}`, a room for the buyer and the sellers of an order, and
the [admin port](admin.md), which is never published: `GET :9000/metrics` and what an operator can change.

Every error is a problem document ([RFC 9457](https://www.rfc-editor.org/rfc/rfc9457)) with a `code`, the `request_id`
and the `trace_id`, under which the log lines and the trace are found.

Generated from the contract: `make generate`.

"""


def document() -> dict[str, Any]:
    """Builds the OpenAPI document with default settings, ignoring the environment."""
    built: dict[str, Any] = create_app(read(_env_file=None, version=__version__)).app.openapi()
    return built


def files() -> dict[str, str]:
    """Returns the text of each generated file, by path from the root of the tree."""
    made = document()
    contract = json.dumps(made, indent=1, ensure_ascii=False, sort_keys=True)
    return {"docs/openapi.json": f"{contract}\n", "docs/endpoints.md": PAGE + _endpoints(made)}


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


if __name__ == "__main__":
    sys.exit(generated_files.settle(files(), description=__doc__ or ""))
