"""Corrects the parameters that FastAPI documents differently from how clients send them."""

from collections.abc import Mapping
from typing import Any, Final

_PRECONDITION_REQUIRED: Final = "428"


def fix_parameters(operation: dict[str, Any]) -> None:
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
