"""Completes the OpenAPI document that FastAPI generates."""

from collections.abc import Mapping
from functools import cache
from typing import Any, Final

from fastapi import FastAPI
from fastapi.routing import APIRoute

from app.api.contract.about import ABOUT, SECURITY, SERVER, TAGS
from app.api.contract.examples import Examples
from app.api.contract.headers import HEADERS, add_headers
from app.api.contract.statuses import add_statuses
from app.api.problems import Problem

_PRECONDITION_REQUIRED: Final = "428"


def complete(app: FastAPI, root_path: str = "") -> None:
    """Extends `app.openapi`. Call it once all routes are added.

    `root_path` is the prefix that a proxy strips from the paths of requests.
    """
    generate = app.openapi

    @cache
    def openapi() -> dict[str, Any]:
        made = generate()
        schemas = made["components"]["schemas"]
        _replace_errors(schemas)
        _introduce(made, root_path)
        examples = Examples(schemas)
        for path, operations in made["paths"].items():
            for operation in operations.values():
                add_statuses(path, operation)
                _fix_parameters(operation)
                add_headers(path, operation)
                examples.add(operation)
        return made

    app.openapi = openapi  # type: ignore[method-assign]  # FastAPI's own way to extend the document


def name(route: APIRoute) -> str:
    """Returns the id of an operation: the name of its function, after which clients are generated."""
    return route.name


def _replace_errors(schemas: dict[str, Any]) -> None:
    """Replaces FastAPI's schemas of errors by problem details."""
    for unused in ("HTTPValidationError", "ValidationError"):
        schemas.pop(unused, None)
    problem = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
    schemas.update({**problem.pop("$defs"), "Problem": problem})


def _introduce(made: dict[str, Any], root_path: str) -> None:
    made["info"] |= ABOUT
    made["servers"], made["tags"] = [{"url": root_path or "/", "description": SERVER}], TAGS
    made["components"]["headers"] = dict(HEADERS)
    for scheme in made["components"]["securitySchemes"].values():
        scheme["description"] = SECURITY
        for flow in scheme["flows"].values():
            flow["tokenUrl"] = f"{root_path}{flow['tokenUrl']}"


def _fix_parameters(operation: dict[str, Any]) -> None:
    """Writes header names in their usual case, removes null, which a parameter can't be, and describes ids in paths."""
    for parameter in operation.get("parameters", ()):
        parameter["schema"] = _without_null(parameter["schema"])
        if parameter["in"] == "header":
            parameter["name"] = _written(parameter["name"])
            if parameter["name"] == "If-Match" and _PRECONDITION_REQUIRED in operation["responses"]:
                parameter["required"] = True  # its absence is answered with 428 instead of 422
        if parameter["in"] == "path":
            parameter.setdefault("description", f"Id of the {parameter['name'].removesuffix('_id')}")
        about = parameter["schema"].pop("description", None)
        if about:
            parameter.setdefault("description", about)


def _written(header: str) -> str:
    return "-".join("ID" if part.lower() == "id" else part.capitalize() for part in header.split("-"))


def _without_null(schema: Mapping[str, Any]) -> dict[str, Any]:
    others = {key: value for key, value in schema.items() if key != "anyOf"}
    choices: list[dict[str, Any]] = [choice for choice in schema.get("anyOf", ()) if choice != {"type": "null"}]
    if len(choices) == 1:
        return choices[0] | others
    return others | {"anyOf": choices} if choices else others
