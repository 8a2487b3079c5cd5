"""Completes the OpenAPI document that FastAPI generates."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from fastapi import FastAPI
from fastapi.routing import APIRoute

from app.api.contract.about import ABOUT, SECURITY, SERVER, TAGS
from app.api.contract.examples import Examples
from app.api.contract.headers import HEADERS, add_headers
from app.api.contract.parameters import fix_parameters
from app.api.contract.statuses import add_statuses
from app.api.problems import Problem

_METHODS: Final = ("get", "post", "put", "patch", "delete")


def complete(app: FastAPI, root_path: str = "") -> None:
    """Extends `app.openapi`. Call it once all routes are added.

    `root_path` is the prefix that a proxy strips from the paths of requests.
    """
    generate = app.openapi

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            made = generate()
            _replace_errors(made["components"]["schemas"])
            _introduce(made, root_path)
            examples = Examples(made["components"]["schemas"])
            for path, operation in _operations(made):
                add_statuses(path, operation)
                fix_parameters(operation)
                add_headers(path, operation)
                examples.add(operation)
            app.openapi_schema = made
        return app.openapi_schema

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


def _operations(made: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for path, methods in made["paths"].items():
        for method in _METHODS:
            if method in methods:
                yield path, methods[method]
