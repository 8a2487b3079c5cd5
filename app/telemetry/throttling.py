"""Throttles repeated events: admits the first few of a kind, counts the others, and reports the count."""

from collections import OrderedDict
from collections.abc import Hashable, Iterator
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

SHOWN: Final = 10
WINDOW_SECONDS: Final = 10.0
KINDS: Final = 512

Kind = TypeVar("Kind", bound=Hashable)


@dataclass(frozen=True, slots=True)
class Suppressed(Generic[Kind]):
    """Summary: `count` events of a kind were suppressed within `seconds` after the first of them."""

    kind: Kind
    count: int
    seconds: float


@dataclass(slots=True)
class _Window:
    began: float
    shown: int = 0
    suppressed: int = 0
    since: float = 0.0


class Throttle(Generic[Kind]):
    """Admits `shown` events of each kind in each window of `seconds`.

    Keeps windows of `kinds` kinds; evicts the least recently used one and reports its count. The first event of a kind
    is always admitted, every suppressed event is counted, and memory is bounded. Not thread-safe.
    """

    def __init__(self, shown: int = SHOWN, seconds: float = WINDOW_SECONDS, kinds: int = KINDS) -> None:
        self._shown = shown
        self.seconds = seconds
        self._kinds = kinds
        self._windows: OrderedDict[Kind, _Window] = OrderedDict()

    def __len__(self) -> int:
        return len(self._windows)

    @property
    def has_suppressed(self) -> bool:
        """True if suppressed events have not been reported yet."""
        return any(window.suppressed for window in self._windows.values())

    def admit(self, kind: Kind, now: float) -> tuple[bool, list[Suppressed[Kind]]]:
        """Admits or suppresses an event; returns the decision and summaries to report first. `now` never decreases."""
        summaries: list[Suppressed[Kind]] = []
        window = self._windows.get(kind)
        if window is not None and now - window.began >= self.seconds:
            summaries += self._summary(kind, window, now)
            window = None
        if window is None:
            window = self._windows[kind] = _Window(now)
        self._windows.move_to_end(kind)
        if len(self._windows) > self._kinds:
            evicted_kind, evicted = self._windows.popitem(last=False)
            summaries += self._summary(evicted_kind, evicted, now)
        if window.shown < self._shown:
            window.shown += 1
            return True, summaries
        if window.suppressed == 0:
            window.since = now
        window.suppressed += 1
        return False, summaries

    def due(self, now: float) -> list[Suppressed[Kind]]:
        """Closes the windows that have ended and returns their summaries."""
        return self._summaries([kind for kind, each in self._windows.items() if now - each.began >= self.seconds], now)

    def close(self, now: float) -> list[Suppressed[Kind]]:
        """Closes all windows and returns their summaries."""
        return self._summaries(list(self._windows), now)

    def _summaries(self, kinds: list[Kind], now: float) -> list[Suppressed[Kind]]:
        return [summary for kind in kinds for summary in self._summary(kind, self._windows.pop(kind), now)]

    @staticmethod
    def _summary(kind: Kind, window: _Window, now: float) -> Iterator[Suppressed[Kind]]:
        if window.suppressed:
            yield Suppressed(kind, window.suppressed, now - window.since)
