"""Reads typed values from parsed YAML; each error is one sentence that names the key."""

from collections.abc import Callable, Mapping
from typing import TypeVar

T = TypeVar("T")


class SloError(ValueError):
    """An invalid objective file; the message names the key and the value it needs."""


class Fields:
    """One mapping of the file. Each key is read once; `end` rejects keys that were not read."""

    def __init__(self, value: object, at: str = "") -> None:
        if not isinstance(value, Mapping):
            raise SloError(f"{at or 'the file'} must be a mapping of keys to values, not {_kind(value)}.")
        self._left: dict[object, object] = dict(value)
        self._at = at

    def at(self, key: object) -> str:
        """Returns the path of a key, such as `objectives[0].title`."""
        return f"{self._at}.{key}" if self._at else str(key)

    def text(self, key: str) -> str:
        value = self._take(key)
        if not isinstance(value, str):
            raise SloError(f"{self.at(key)} must be text, not {_kind(value)}.")
        return value

    def choice(self, key: str, choices: Mapping[str, T]) -> T:
        value = self.text(key)
        if value not in choices:
            raise SloError(f"{self.at(key)} must be {' or '.join(choices)}, not {value!r}.")
        return choices[value]

    def above_zero(self, key: str) -> float:
        value = self._take(key)
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 < value < float("inf"):
            raise SloError(f"{self.at(key)} must be a number above 0, not {_kind(value)}.")
        return float(value)

    def whole(self, key: str) -> int:
        value = self.above_zero(key)
        if value != int(value):
            raise SloError(f"{self.at(key)} must be a whole number, not {value}.")
        return int(value)

    def each(self, key: str, read: Callable[["Fields"], T]) -> tuple[T, ...]:
        value = self._take(key)
        if not isinstance(value, list) or not value:
            raise SloError(f"{self.at(key)} must be a list of at least one, not {_kind(value)}.")
        return tuple(self._read(f"{key}[{index}]", entry, read) for index, entry in enumerate(value))

    def end(self) -> None:
        if self._left:
            raise SloError(f"{self.at(next(iter(self._left)))} is not a known key here: remove it or correct its name.")

    def _read(self, key: str, value: object, read: Callable[["Fields"], T]) -> T:
        fields = Fields(value, self.at(key))
        result = read(fields)
        fields.end()
        return result

    def _take(self, key: str) -> object:
        if key not in self._left:
            raise SloError(f"{self.at(key)} is missing: add it.")
        return self._left.pop(key)


def _kind(value: object) -> str:
    if isinstance(value, (bool, int, float, str)) or value is None:
        return repr(value)
    return "a list" if isinstance(value, list) else "a mapping"
