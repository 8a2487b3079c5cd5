"""The JSON schema of a chart's values: types from the defaults, narrowed by the comments, unknown keys refused."""

from collections.abc import Iterable
from typing import Any

from helm.values import Value

QUANTITIES = {"type": "object", "additionalProperties": {"type": ["string", "number"]}}
DEFINITIONS = {
    "resources": {
        "type": "object",
        "additionalProperties": False,
        "properties": {"requests": QUANTITIES, "limits": QUANTITIES},
    },
}


def build(values: Iterable[Value]) -> dict[str, Any]:
    """Schema of the whole values file. A parent chart may add `global` and, as a condition, `enabled`."""
    root = _group()
    for value in values:
        *parents, key = value.path.split(".")
        node = root
        for parent in parents:
            node = node["properties"].setdefault(parent, _group())
        node["properties"][key] = _leaf(value)
    root["properties"]["global"]["additionalProperties"] = True
    root["properties"]["enabled"] = {"type": "boolean", "description": "Condition of a parent chart; not read here"}
    return {"$schema": "http://json-schema.org/draft-07/schema#", **root, "definitions": DEFINITIONS}


def _group() -> dict[str, Any]:
    return {"type": "object", "additionalProperties": False, "properties": {}}


def _leaf(value: Value) -> dict[str, Any]:
    if "$ref" in value.narrowed:
        return {"$ref": f"#/definitions/{value.narrowed['$ref']}"}
    return {"description": value.description, **_inferred(value), **value.narrowed}


def _inferred(value: Value) -> dict[str, Any]:
    match value.default:
        case bool():
            return {"type": "boolean"}
        case int():
            return {"type": "integer"}
        case float():
            return {"type": "number"}
        case str():
            return {"type": "string"}
        case list():
            return {"type": "array", "items": {"type": "string"}}
        case dict():
            return {"type": "object", "additionalProperties": {"type": "string"}}
    raise ValueError(f"values.yaml: {value.path} has no type to go by; give it a default or an `@schema` line")
