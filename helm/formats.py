"""Formats of strings in the chart's values, by the name of the value, as JSON schemas.

The API server would reject a bad name after other objects have changed; the schema rejects it before.
Source: https://kubernetes.io/docs/concepts/overview/working-with-objects/names/ and .../labels/
"""

from collections.abc import Mapping
from typing import Any, Final

Schema = Mapping[str, Any]

_LABEL: Final = "[a-z0-9]([-a-z0-9]*[a-z0-9])?"
_SUBDOMAIN: Final = rf"{_LABEL}(\.{_LABEL})*"
_WORD: Final = "[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?"
_QUALIFIED: Final = f"({_SUBDOMAIN}/)?{_WORD}"
_QUANTITY: Final = r"[0-9]+(\.[0-9]+)?(e[0-9]+|m|k|M|G|T|P|E|Ki|Mi|Gi|Ti|Pi|Ei)?"
_DURATION: Final = "([0-9]+y)?([0-9]+w)?([0-9]+d)?([0-9]+h)?([0-9]+m)?([0-9]+s)?([0-9]+ms)?"
_NETWORK: Final = r"[0-9a-fA-F]*[.:][0-9a-fA-F.:]*"


def _text(pattern: str, longest: int = 0) -> Schema:
    return {"type": "string", "pattern": f"^({pattern})$", **({"maxLength": longest} if longest else {})}


def _optional(pattern: str, longest: int = 0) -> Schema:
    return _text(f"{pattern}|", longest)


NAME: Final = _text(_SUBDOMAIN, 253)
OPTIONAL_NAME: Final = _optional(_SUBDOMAIN, 253)
KIND: Final = _text("[a-zA-Z]([-a-zA-Z0-9]*[a-zA-Z0-9])?", 63)
NAMESPACE: Final = _text(_LABEL, 63)
HOST: Final = _text(rf"(\*\.)?{_SUBDOMAIN}", 253)
CIDR: Final = _text(f"{_NETWORK}/[0-9]{{1,3}}")
QUANTITY: Final[Schema] = {**_text(_QUANTITY), "type": ["string", "number"]}


def _map(keys: str, values: Schema) -> Schema:
    """Returns the schema of a mapping with these keys; Helm 4 reports errors of `propertyNames` at the wrong path."""
    return {"type": "object", "patternProperties": {f"^({keys})$": values}, "additionalProperties": False}


QUANTITIES: Final = _map(f"cpu|memory|ephemeral-storage|hugepages-.+|{_SUBDOMAIN}/{_WORD}", QUANTITY)
LABELS: Final = _map(_QUALIFIED, _optional(_WORD, 63))
ANNOTATIONS: Final = _map(_QUALIFIED, {"type": "string"})

_STRINGS: Final[Mapping[str, Schema]] = {
    "existingSecret": OPTIONAL_NAME,
    "key": _text("[-._a-zA-Z0-9]+", 253),
    "storageClass": _optional(f"-|{_SUBDOMAIN}", 253),
    "size": _text(_QUANTITY),
    "priorityClassName": OPTIONAL_NAME,
    "className": OPTIONAL_NAME,
    "loadBalancerClass": _optional(_QUALIFIED),
    "name": OPTIONAL_NAME,
    "nameOverride": _optional(_LABEL),
    "fullnameOverride": _optional("[a-z]([-a-z0-9]*[a-z0-9])?"),
    "namespace": _optional(_LABEL, 63),
    "namespaceOverride": _optional(_LABEL, 63),
    "clusterDomain": _text(_SUBDOMAIN),
    "imageRegistry": _optional(r"[A-Za-z0-9][-A-Za-z0-9._:\[\]]*(/[-a-z0-9._]+)*/?"),
    "repository": _text("[A-Za-z0-9]([-A-Za-z0-9._/:]*[A-Za-z0-9])?"),
    "tag": _optional("[A-Za-z0-9_][-A-Za-z0-9_.]{0,127}"),
    "maxMemory": _text("[0-9]+([kKmMgG][bB]?)?"),
    "interval": _text(_DURATION),
    "scrapeTimeout": _text(_DURATION),
    "path": _text(r"/\S*"),
    "url": _optional(r"https?://[^\s/]\S*"),
    "otlpEndpoint": _optional(r"https?://[^\s/]\S*"),
    "mailUrl": _optional(r"(https?|smtps?)://[^\s/]\S*"),
}
_ITEMS: Final[Mapping[str, Schema]] = {
    "allowedHosts": _text(r"\*|[^\s,]+"),
    "trustedProxies": _text(f"{_NETWORK}(/[0-9]{{1,3}})?"),
    "loadBalancerSourceRanges": CIDR,
    "corsOrigins": _text(r"\*|https?://[^\s,/]+"),
    "noProxy": _text(r"[^\s,]+"),
}


def of(path: str, default: Any) -> Schema:
    """Returns the schema of a value by its dotted path and default; empty if it may hold any text."""
    key = path.rpartition(".")[2]
    match default:
        case str():
            return _STRINGS.get(key, {})
        case list() if key in _ITEMS:
            return {"items": _ITEMS[key]}
        case dict() if key.lower().endswith("labels") or key == "nodeSelector":
            return LABELS
        case dict() if key.lower().endswith("annotations"):
            return ANNOTATIONS
    return {}
