"""JSON schemas of security contexts, which reject values weaker than the "restricted" profile.

Source: https://kubernetes.io/docs/concepts/security/pod-security-standards/#restricted
"""

from typing import Any, Final

Schema = dict[str, Any]

SAFE_SYSCTLS: Final = [
    "kernel.shm_rmid_forced",
    "net.ipv4.ip_local_port_range",
    "net.ipv4.ip_local_reserved_ports",
    "net.ipv4.ip_unprivileged_port_start",
    "net.ipv4.ping_group_range",
    "net.ipv4.tcp_fin_timeout",
    "net.ipv4.tcp_keepalive_intvl",
    "net.ipv4.tcp_keepalive_probes",
    "net.ipv4.tcp_keepalive_time",
    "net.ipv4.tcp_rmem",
    "net.ipv4.tcp_syncookies",
    "net.ipv4.tcp_wmem",
]
SELINUX_TYPES: Final = ["", "container_t", "container_init_t", "container_kvm_t", "container_engine_t"]

GROUP: Final[Schema] = {"type": "integer", "minimum": 0}


def closed(properties: Schema, *required: str) -> Schema:
    """Returns the schema of an object with these properties and no others."""
    return {
        "type": "object",
        "additionalProperties": False,
        "properties": properties,
        **({"required": list(required)} if required else {}),
    }


def _profile() -> Schema:
    kinds = {"type": {"enum": ["RuntimeDefault", "Localhost"]}, "localhostProfile": {"type": "string"}}
    return closed(kinds, "type")


COMMON: Final[Schema] = {
    "runAsNonRoot": {"const": True},
    "runAsUser": {"type": "integer", "minimum": 1},
    "runAsGroup": GROUP,
    "seccompProfile": _profile(),
    "appArmorProfile": _profile(),
    "seLinuxOptions": closed({"type": {"enum": SELINUX_TYPES}, "level": {"type": "string"}}),
}
POD: Final[Schema] = {
    **COMMON,
    "fsGroup": GROUP,
    "fsGroupChangePolicy": {"enum": ["OnRootMismatch", "Always"]},
    "supplementalGroups": {"type": "array", "items": GROUP},
    "supplementalGroupsPolicy": {"enum": ["Merge", "Strict"]},
    "sysctls": {
        "type": "array",
        "items": closed({"name": {"enum": SAFE_SYSCTLS}, "value": {"type": "string"}}, "name", "value"),
    },
}
CONTAINER: Final[Schema] = {
    **COMMON,
    "allowPrivilegeEscalation": {"const": False},
    "privileged": {"const": False},
    "procMount": {"const": "Default"},
    "readOnlyRootFilesystem": {"type": "boolean"},
    "capabilities": closed(
        {
            "drop": {"type": "array", "contains": {"const": "ALL"}, "items": {"type": "string"}},
            "add": {"type": "array", "items": {"const": "NET_BIND_SERVICE"}},
        },
        "drop",
    ),
}
# Definitions that every pod needs.
REQUIRED: Final = ("podSecurityContext", "securityContext")
DEFINITIONS: Final[Schema] = {
    "podSecurityContext": closed(POD, "runAsNonRoot", "seccompProfile"),
    "ownPodSecurityContext": closed(POD),
    "securityContext": closed(CONTAINER, "allowPrivilegeEscalation", "readOnlyRootFilesystem", "capabilities"),
}
