"""compose.yaml as data, and the rules for its services."""

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import yaml

Service = Mapping[str, Any]
OURS = "binnacle:local"
_PINNED = re.compile(r"[a-z/]+:\d+\.\d+(\.\d+)?(@sha256:[0-9a-f]{64})?")
_VOLUME = re.compile(r"[a-z]+:/[a-z/]+")
_VARIABLE = re.compile(r"(?<!\$)\$\{(\w+):-([^}]*)\}")
_UNITS = {"s": 1, "m": 60}


def load(root: Path, environment: Mapping[str, str] | None = None) -> dict[str, Any]:
    """The document, with its variables set from the environment, or to their defaults."""
    given = environment or {}
    text = (root / "compose.yaml").read_text()
    filled = _VARIABLE.sub(lambda found: given.get(found[1]) or found[2], text)
    document: dict[str, Any] = yaml.safe_load(filled)
    return document


def claims(document: Mapping[str, Any], project: str) -> set[str]:
    """Machine-wide resources of a project: ports, subnets, images that it builds, names."""
    services: Mapping[str, Service] = document["services"]
    taken = {f"port {port.split(':')[-2]}" for service in services.values() for port in service.get("ports", [])}
    taken |= {f"image {service['image']}" for service in services.values() if "build" in service}
    taken |= {f"container {service.get('container_name', f'{project}-{name}')}" for name, service in services.items()}
    taken |= {f"project {document.get('name', project)}"}
    for kind in ("networks", "volumes"):
        for name, each in document[kind].items():
            taken.add(f"{kind} {each.get('name', f'{project}_{name}')}")
            taken |= {f"subnet {config['subnet']}" for config in each.get("ipam", {}).get("config", [])}
    return taken


def seconds(duration: str) -> float:
    """Converts a duration of Compose or nginx, such as 20s, to seconds."""
    return float(duration[:-1]) * _UNITS[duration[-1]]


def faults(service: Service) -> list[str]:
    """Permissions and resources of a service that none needs, or missing restrictions."""
    return [fault for fault, has in FAULTS.items() if has(service)]


def _has_unbounded_tmpfs(service: Service) -> bool:
    return not any(str(mount).startswith("/tmp:size=") for mount in service.get("tmpfs", []))  # noqa: S108 -- a mount inside the container


def _lacks_limits(service: Service) -> bool:
    return not {"cpus", "memory", "pids"} <= service.get("deploy", {}).get("resources", {}).get("limits", {}).keys()


def _has_secret(service: Service) -> bool:
    variables = [
        f"{name}={value}" for name, value in service.get("environment", {}).items() if not name.endswith("_FILE")
    ]
    return any(re.search(r"PASSWORD|SECRET_KEY|TOKEN|DSN|://[^/]*@", line) for line in variables)


FAULTS: Mapping[str, Callable[[Service], bool]] = {
    "read_only": lambda it: it.get("read_only") is not True,
    "capabilities": lambda it: it.get("cap_drop") != ["ALL"] or bool(it.get("cap_add")),
    "security_opt": lambda it: it.get("security_opt") != ["no-new-privileges:true"],
    "a numeric user other than root": lambda it: not re.fullmatch(r"[1-9]\d*:[1-9]\d*", str(it.get("user"))),
    "a missing or unbounded tmpfs": _has_unbounded_tmpfs,
    "limits": _lacks_limits,
    "access to the host": lambda it: bool(it.keys() & {"privileged", "network_mode", "pid", "ipc", "devices"}),
    "a host path": lambda it: not all(_VOLUME.fullmatch(str(each)) for each in it.get("volumes", [])),
    "a port on all interfaces": lambda it: not all(str(each).startswith("127.0.0.1:") for each in it.get("ports", [])),
    "an unpinned image": lambda it: it["image"] != OURS and not _PINNED.fullmatch(it["image"]),
    "unbounded logs": lambda it: "max-size" not in it.get("logging", {}).get("options", {}),
    "a secret in the environment": _has_secret,
}


def is_long_running(service: Service) -> bool:
    """Checks that a service runs until it is stopped, rather than once."""
    return service.get("restart") == "unless-stopped"


def awaits(service: Service) -> dict[str, str]:
    """The condition of each service that it waits for."""
    return {name: wait["condition"] for name, wait in service.get("depends_on", {}).items()}
