"""JSON schemas of Kubernetes types for values that are copied into pods and autoscalers, from its published schemas.

The types have the fields of the newest version; an older cluster rejects those that it doesn't know.
"""

import json
import re
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.resources import files
from typing import Any, Final

Schema = dict[str, Any]

FOLDER: Final = "kubernetes-json-schema/v1.37.0-local-strict"
TYPES: Final = (
    "core.v1.Affinity",
    "core.v1.Container",
    "core.v1.EnvFromSource",
    "core.v1.EnvVar",
    "core.v1.Toleration",
    "core.v1.TopologySpreadConstraint",
    "core.v1.Volume",
    "core.v1.VolumeMount",
    "autoscaling.v2.HorizontalPodAutoscalerBehavior",
    "autoscaling.v2.MetricSpec",
)
# Enumerations that only the API server validates.
ENUMS: Final[Mapping[tuple[str, str], list[str]]] = {
    ("Toleration", "operator"): ["", "Equal", "Exists", "Gt", "Lt"],
    ("Toleration", "effect"): ["", "NoExecute", "NoSchedule", "PreferNoSchedule"],
    ("TopologySpreadConstraint", "whenUnsatisfiable"): ["DoNotSchedule", "ScheduleAnyway"],
    ("Container", "imagePullPolicy"): ["", "Always", "IfNotPresent", "Never"],
}


@cache
def definitions() -> Schema:
    """Returns these types and all types that they refer to, by the last part of their names."""
    folder = files("kubernetes_validate").joinpath(FOLDER, "_definitions.json")
    known = json.loads(folder.read_text(encoding="utf-8"))["$defs"]
    found: Schema = {}
    left = [f"io.k8s.api.{name}" for name in TYPES]
    while left:
        name = left.pop()
        if _short(name) not in found:
            found[_short(name)] = _plain(known[name])
            left += _references(known[name])
    for (name, field), words in ENUMS.items():
        found[name]["properties"][field] = {"enum": words}
    found["Container"]["required"].append("image")
    return dict(sorted(found.items()))


def _short(name: str) -> str:
    return name.rpartition(".")[2]


def _references(schema: Any) -> Iterator[str]:
    yield from re.findall(r'"\$ref": "#/\$defs/([^"]+)"', json.dumps(schema))


def _plain(schema: Any) -> Any:
    """Returns the schema without descriptions and formats, which Helm ignores, and with references by short names."""
    if isinstance(schema, list):
        return [_plain(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    if "$ref" in schema:
        return {"$ref": f"#/definitions/{_short(schema['$ref'])}"}
    words = {key for key in schema if isinstance(schema[key], str) and (key in {"description", "format"})}
    return {
        key: _plain(each) for key, each in schema.items() if key not in words and not key.startswith("x-kubernetes")
    }
