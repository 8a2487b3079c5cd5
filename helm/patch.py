"""Strategic merge patches between manifests: kustomize finds containers and variables by name, not by place."""

from collections.abc import Mapping
from typing import Any, Final

Manifest = Mapping[str, Any]

# Lists that Kubernetes merges, and the key of their entries; any other list is replaced as a whole.
# Source: https://kubernetes.io/docs/reference/generated/kubernetes-api/v1.32/ ("patch merge key")
MERGE_KEYS: Final[Mapping[str, str]] = {
    "containers": "name",
    "initContainers": "name",
    "env": "name",
    "volumes": "name",
    "volumeMounts": "mountPath",
}


def difference(old: Manifest, new: Manifest) -> dict[str, Any]:
    """Returns the patch that turns `old` into `new`.

    Raises ValueError if a named entry of a list is missing in `new`.
    """
    changes = _changes(old, new, "")
    metadata = {"name": old["metadata"]["name"], **changes.pop("metadata", {})}
    return {"apiVersion": old["apiVersion"], "kind": old["kind"], "metadata": metadata, **changes}


def _changes(old: Manifest, new: Manifest, path: str) -> dict[str, Any]:
    removed = dict.fromkeys(sorted(old.keys() - new.keys()))
    changed = {key: value for key, value in new.items() if key not in old or old[key] != value}
    return removed | {key: _change(old.get(key), value, f"{path}/{key}") for key, value in changed.items()}


def _change(old: Any, new: Any, path: str) -> Any:
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        return _changes(old, new, path)
    merge_key = MERGE_KEYS.get(path.rpartition("/")[2])
    if merge_key and old and new:
        return _entries(old, new, path, merge_key)
    return new


def _entries(old: list[Manifest], new: list[Manifest], path: str, merge_key: str) -> list[Manifest]:
    """Entries up to the last that changes: kustomize moves those of a patch to the front, in the order of the patch."""
    before = {entry[merge_key]: entry for entry in old}
    if missing := before.keys() - {entry[merge_key] for entry in new}:
        raise ValueError(f"{path}: {', '.join(sorted(missing))} is missing, but a component can only add and change")
    changed = [place for place, entry in enumerate(new) if before.get(entry[merge_key]) != entry]
    last = changed[-1] if changed else len(new) - 1
    return [
        {merge_key: entry[merge_key], **_changes(before.get(entry[merge_key], {}), entry, path)}
        for entry in new[: last + 1]
    ]
