"""Configuration that kustomize needs for the manifests: name references, namespaces in rules, exclusions."""

from collections import defaultdict
from itertools import chain
from typing import Any, Final

import yaml

# Fields that hold the name of another object, which a prefix or suffix of an overlay changes too.
_VARIABLES: Final = [
    {"kind": "Deployment", "path": f"spec/template/spec/{containers}/env/value"}
    for containers in ("containers", "initContainers")
]
_ROUTES: Final = {"kind": "HTTPRoute", "group": "gateway.networking.k8s.io", "path": "spec/rules/backendRefs/name"}
_NAMES: Final = {
    "nameReference": [
        {"kind": "Service", "fieldSpecs": [*_VARIABLES, _ROUTES]},
        # OTEL_SERVICE_NAME.
        {"kind": "Deployment", "fieldSpecs": _VARIABLES},
    ]
}
_EXCLUSIONS: Final = (("bundled", "network-policies"), ("gateway", "ingress"))


def names() -> str:
    """Returns the transformer configuration of the base (`configurations`), as YAML."""
    return _dump(_NAMES)


def exclusions(component: str) -> dict[str, str]:
    """Returns the objects that make kustomize reject this component together with another, by file name.

    Both components of a pair contain an object of the same name, which kustomize rejects; it never prints them.
    """
    pairs = [pair for pair in _EXCLUSIONS if component in pair]
    return {f"exclusion-{'-'.join(pair)}.yaml": _exclusion(*pair) for pair in pairs}


def _exclusion(one: str, other: str) -> str:
    name = f"components-{one}-and-{other}-exclude-each-other-name-only-one-of-them"
    metadata = {"name": name, "annotations": {"config.kubernetes.io/local-config": "true"}}
    return _dump({"apiVersion": "binnacle/v1", "kind": "Exclusion", "metadata": metadata})


def namespace_of_rules(manifest: str, namespace: str) -> str:
    """Returns a transformer, as YAML, that puts the namespace of a PrometheusRule into its expressions.

    An overlay lists it under `transformers`, which run after `namespace`. kustomize can replace the n-th part of a text
    between delimiters, so the fields are grouped by the place of the namespace between their quotes.
    """
    groups = yaml.safe_load(manifest)["spec"]["groups"]
    fields: dict[int, list[str]] = defaultdict(list)
    rules = chain.from_iterable(
        ((f"spec.groups.{i}.rules.{j}.expr", rule["expr"]) for j, rule in enumerate(group["rules"]))
        for i, group in enumerate(groups)
    )
    for path, expression in rules:
        parts = expression.split('"')
        for place in range(1, len(parts)):
            if parts[place] == namespace and parts[place - 1].endswith("namespace="):
                fields[place].append(path)
    select = {"kind": "PrometheusRule", "name": "binnacle"}
    targets = [
        {"select": select, "fieldPaths": paths, "options": {"delimiter": '"', "index": place}}
        for place, paths in sorted(fields.items())
    ]
    replacement = {"source": {**select, "fieldPath": "metadata.namespace"}, "targets": targets}
    head = {"apiVersion": "builtin", "kind": "ReplacementTransformer", "metadata": {"name": "namespace-of-rules"}}
    return _dump({**head, "replacements": [replacement]})


class _Plain(yaml.SafeDumper):
    """Writes YAML without anchors, for readers."""

    def ignore_aliases(self, _: Any) -> bool:
        return True


def _dump(document: dict[str, Any]) -> str:
    return yaml.dump(document, Dumper=_Plain, sort_keys=False, width=120)
