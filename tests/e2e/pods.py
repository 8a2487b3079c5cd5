"""Pods that the drills make themselves, in namespaces that enforce the restricted profile of pod security."""

from collections.abc import Mapping
from typing import Any

from tests.e2e.cluster import Manifest


def restricted(
    name: str, container: Mapping[str, Any], *, labels: Mapping[str, str] | None = None, **spec: Any
) -> Manifest:
    """A pod of one container of its own name; `spec` adds to that of the pod."""
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "labels": dict(labels or {})},
        "spec": {
            "automountServiceAccountToken": False,
            "securityContext": {
                "runAsNonRoot": True,
                "runAsUser": 10001,
                "seccompProfile": {"type": "RuntimeDefault"},
            },
            "containers": [
                {
                    "name": name,
                    "imagePullPolicy": "IfNotPresent",
                    "securityContext": {
                        "allowPrivilegeEscalation": False,
                        "readOnlyRootFilesystem": True,
                        "capabilities": {"drop": ["ALL"]},
                    },
                    **container,
                },
            ],
            **spec,
        },
    }
