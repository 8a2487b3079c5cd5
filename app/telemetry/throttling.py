"""Bounds what repeats itself: the first few of a kind are told, the rest are counted, and the count is told."""

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
    """So many of a kind were not told, in the `seconds` after the first of them."""

    kind: Kind
    count: int
    seconds: float


@dataclass(slots=True)
class _Window:
    began: float
    shown: int = 0
    suppressed: int = 0
    since: float = 0.0


class FloodGuard(Generic[Kind]):
    """Lets `shown` of each kind pass in each window of `seconds`.

    Remembers `kinds` of them; the one that was quiet longest is forgotten first, and its count told. So the first of
    a kind always passes, nothing is left out uncounted, and memory is bounded. Not for several threads at once.
    """

    def __init__(self, shown: int = SHOWN, seconds: float = WINDOW_SECONDS, kinds: int = KINDS) -> None:
        self._shown = shown
        self.seconds = seconds
        self._kinds = kinds
        self._windows: OrderedDict[Kind, _Window] = OrderedDict()

    def __len__(self) -> int:
        return len(self._windows)

    @property
    def holds_back(self) -> bool:
        """Whether there is anything that was left out and not told yet."""
        return any(window.suppressed for window in self._windows.values())

    def admit(self, kind: Kind, now: float) -> tuple[bool, list[Suppressed[Kind]]]:
        """Whether this one is told, and what is to be told before it. `now` only goes forward."""
        summaries: list[Suppressed[Kind]] = []
        window = self._windows.get(kind)
        if window is not None and now - window.began >= self.seconds:
            summaries += self._told(kind, window, now)
            window = None
        if window is None:
            window = self._windows[kind] = _Window(now)
        self._windows.move_to_end(kind)
        if len(self._windows) > self._kinds:
            quietest, forgotten = self._windows.popitem(last=False)
            summaries += self._told(quietest, forgotten, now)
        if window.shown < self._shown:
            window.shown += 1
            return True, summaries
        if window.suppressed == 0:
            window.since = now
        window.suppressed += 1
        return False, summaries

    def due(self, now: float) -> list[Suppressed[Kind]]:
        """What was left out in windows that are over, so that it is told although no more came."""
        return self._close([kind for kind, each in self._windows.items() if now - each.began >= self.seconds], now)

    def rest(self, now: float) -> list[Suppressed[Kind]]:
        """All that was left out and not told yet: at the end."""
        return self._close(list(self._windows), now)

    def _close(self, kinds: list[Kind], now: float) -> list[Suppressed[Kind]]:
        return [told for kind in kinds for told in self._told(kind, self._windows.pop(kind), now)]

    @staticmethod
    def _told(kind: Kind, window: _Window, now: float) -> Iterator[Suppressed[Kind]]:
        if window.suppressed:
            yield Suppressed(kind, window.suppressed, now - window.since)
