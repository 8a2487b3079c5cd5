"""JSON schema of a chart's values: types from the defaults, restrictions from the comments, no unknown keys."""

from collections.abc import Iterable
from typing import Any

from helm import formats, kubernetes, security
from helm.security import closed
from helm.values import Value

PEER = {
    "namespace": {**formats.NAMESPACE, "pattern": rf"^\*$|{formats.NAMESPACE['pattern']}"},
    "pods": formats.LABELS,
    "cidr": formats.CIDR,
    "except": {"type": "array", "items": formats.CIDR},
}
PORTS = {"type": "array", "minItems": 1, "items": {"type": "integer", "minimum": 1, "maximum": 65535}}


def _peer(properties: dict[str, Any]) -> dict[str, Any]:
    """Returns the schema of a peer: addresses or pods, but not both."""
    return {
        **closed(properties),
        "if": {"required": ["cidr"]},
        "then": {"properties": {"namespace": False, "pods": False}},
        "else": {"properties": {"except": False}, "anyOf": [{"required": ["namespace"]}, {"required": ["pods"]}]},
    }


POSITIVE = {"type": "integer", "minimum": 1}
PROBE = {
    "initialDelaySeconds": {"type": "integer", "minimum": 0},
    "periodSeconds": POSITIVE,
    "timeoutSeconds": POSITIVE,
    "failureThreshold": POSITIVE,
}


# Source: https://prometheus-operator.dev/docs/api-reference/api/#monitoring.coreos.com/v1.RelabelConfig
ACTIONS = (
    *("Replace", "Keep", "Drop", "HashMod", "LabelMap", "LabelDrop", "LabelKeep"),
    *("Lowercase", "Uppercase", "KeepEqual", "DropEqual"),
)
RELABELING = {
    "sourceLabels": {"type": "array", "items": {"type": "string", "pattern": "^[a-zA-Z_][a-zA-Z0-9_]*$"}},
    "separator": {"type": "string"},
    "targetLabel": {"type": "string"},
    "regex": {"type": "string"},
    "modulus": {"type": "integer", "minimum": 1},
    "replacement": {"type": "string"},
    "action": {"enum": [form for action in ACTIONS for form in (action.lower(), action)]},
}
GATEWAY = {
    "group": formats.OPTIONAL_NAME,
    "kind": formats.KIND,
    "namespace": formats.NAMESPACE,
    "name": formats.NAME,
    "sectionName": formats.NAME,
    "port": {"type": "integer", "minimum": 1, "maximum": 65535},
}
DEFINITIONS = {
    **security.DEFINITIONS,
    "relabeling": closed(RELABELING),
    "gateway": closed(GATEWAY, "name"),
    "probe": closed(PROBE),
    "readinessProbe": closed({**PROBE, "successThreshold": {"type": "integer", "minimum": 1}}),
    "host": formats.HOST,
    "peer": _peer(PEER),
    "destination": _peer({**PEER, "ports": PORTS}),
    "tls": closed({"secretName": formats.NAME, "hosts": {"type": "array", "items": formats.HOST}}),
    "pullSecret": {**formats.NAME, **closed({"name": formats.NAME}, "name"), "type": ["string", "object"]},
    "resources": closed({"requests": formats.QUANTITIES, "limits": formats.QUANTITIES}),
}


def build(values: Iterable[Value]) -> dict[str, Any]:
    """Returns the schema of the values file. A parent chart may add to `global`, and `enabled` as a condition."""
    root = _group()
    for value in values:
        *parents, key = value.path.split(".")
        node = root
        for parent in parents:
            _require(node, parent)
            node = node["properties"].setdefault(parent, _group())
        node["properties"][key] = _leaf(value)
        if _is_needed(value):
            _require(node, key)
    root["properties"]["global"]["additionalProperties"] = True
    root["properties"]["enabled"] = {"type": "boolean", "description": "Condition of a parent chart; not read here"}
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        **root,
        "definitions": {**DEFINITIONS, **kubernetes.definitions()},
    }


def _group() -> dict[str, Any]:
    return {"type": "object", "additionalProperties": False, "required": [], "properties": {}}


def _require(node: dict[str, Any], key: str) -> None:
    if key not in node["required"]:
        node["required"].append(key)


def _is_needed(value: Value) -> bool:
    """Returns whether templates need the value: without it they would fail with an obscure error of Helm."""
    emptied = isinstance(value.default, list | dict) and value.default
    return value.given and (not emptied or value.narrowed.get("$ref") in security.REQUIRED)


def _leaf(value: Value) -> dict[str, Any]:
    if "$ref" in value.narrowed:
        return {"$ref": f"#/definitions/{value.narrowed['$ref']}"}
    format_ = formats.of(value.path, value.default)
    return {"description": value.description, **_inferred(value), **format_, **value.narrowed}


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
