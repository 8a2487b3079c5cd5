"""Problem details in the OpenAPI document."""

from typing import Any, Final

from fastapi import FastAPI

from app.api.problems.model import MEDIA_TYPE, Problem

DOCUMENTED: Final[dict[str, Any]] = {
    "description": "Problem details (RFC 9457)",
    "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
}


def document(app: FastAPI) -> None:
    """Adds the schema to the OpenAPI document of an application."""
    generate = app.openapi

    def openapi() -> dict[str, Any]:
        made = generate()
        schema = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
        made["components"]["schemas"].update({**schema.pop("$defs"), "Problem": schema})
        return made

    app.openapi = openapi  # type: ignore[method-assign]  # FastAPI's own way to extend the document
