"""The difference between two manifests as a JSON patch (RFC 6902), which kustomize applies."""

from collections.abc import Iterator
from typing import Any

Operation = dict[str, Any]


def difference(old: Any, new: Any, path: str = "") -> Iterator[Operation]:
    """What makes `new` of `old`. Named entries of lists are changed where they stand, and new ones come last.

    Raises ValueError for what can't be said so: a named entry that is gone.
    """
    if old == new:
        return
    if isinstance(old, dict) and isinstance(new, dict):
        for key in sorted(old.keys() | new.keys()):
            place = f"{path}/{key.replace('~', '~0').replace('/', '~1')}"
            if key not in new:
                yield {"op": "remove", "path": place}
            elif key not in old:
                yield {"op": "add", "path": place, "value": new[key]}
            else:
                yield from difference(old[key], new[key], place)
    elif _named(old) and _named(new):
        yield from _entries(old, new, path)
    else:
        yield {"op": "replace", "path": path, "value": new}


def _entries(old: list[Any], new: list[Any], path: str) -> Iterator[Operation]:
    places = {entry["name"]: place for place, entry in enumerate(old)}
    if gone := places.keys() - {entry["name"] for entry in new}:
        raise ValueError(f"{path}: {', '.join(sorted(gone))} is gone, which a component can't say")
    for entry in new:
        if (place := places.get(entry["name"])) is None:
            yield {"op": "add", "path": f"{path}/-", "value": entry}
        elif operations := [*difference(old[place], entry, f"{path}/{place}")]:
            # A patch that is laid on another list than it was made for must fail rather than change a neighbour.
            yield {"op": "test", "path": f"{path}/{place}/name", "value": entry["name"]}
            yield from operations


def _named(entries: Any) -> bool:
    return isinstance(entries, list) and all(isinstance(entry, dict) and "name" in entry for entry in entries)
