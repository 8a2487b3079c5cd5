"""Throttling of repeated events: the first few of a kind pass, the rest are counted, and the count is reported."""

from collections import OrderedDict
from collections.abc import Hashable, Iterator
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

LIMIT: Final = 10
WINDOW_SECONDS: Final = 10.0
MAX_KINDS: Final = 512

Kind = TypeVar("Kind", bound=Hashable)


@dataclass(frozen=True, slots=True)
class Suppressed(Generic[Kind]):
    """Number of suppressed events of a kind, in the `seconds` after the first of them."""

    kind: Kind
    count: int
    seconds: float


@dataclass(slots=True)
class _Window:
    started: float
    passed: int = 0
    suppressed: int = 0
    since: float = 0.0


class Throttle(Generic[Kind]):
    """Lets `limit` events of each kind pass in each window of `seconds`.

    Keeps windows of `max_kinds` kinds and evicts the least recent one, reporting its count. So the first event of a
    kind always passes, every suppressed event is counted, and memory is bounded. Not safe for several threads.
    """

    def __init__(self, limit: int = LIMIT, seconds: float = WINDOW_SECONDS, max_kinds: int = MAX_KINDS) -> None:
        self._limit = limit
        self.seconds = seconds
        self._max_kinds = max_kinds
        self._windows: OrderedDict[Kind, _Window] = OrderedDict()

    def __len__(self) -> int:
        return len(self._windows)

    @property
    def has_suppressed(self) -> bool:
        """Tests whether a count of suppressed events is still to be reported."""
        return any(window.suppressed for window in self._windows.values())

    def admit(self, kind: Kind, now: float) -> tuple[bool, list[Suppressed[Kind]]]:
        """Returns whether an event passes, and the counts to report before it. `now` must not decrease."""
        summaries: list[Suppressed[Kind]] = []
        window = self._windows.get(kind)
        if window is not None and now - window.started >= self.seconds:
            summaries += self._summary(kind, window, now)
            window = None
        if window is None:
            window = self._windows[kind] = _Window(now)
        self._windows.move_to_end(kind)
        if len(self._windows) > self._max_kinds:
            oldest, evicted = self._windows.popitem(last=False)
            summaries += self._summary(oldest, evicted, now)
        if window.passed < self._limit:
            window.passed += 1
            return True, summaries
        if window.suppressed == 0:
            window.since = now
        window.suppressed += 1
        return False, summaries

    def expire(self, now: float) -> list[Suppressed[Kind]]:
        """Closes the windows that are over and returns their counts, for kinds of which no more events come."""
        return self._close([kind for kind, each in self._windows.items() if now - each.started >= self.seconds], now)

    def close(self, now: float) -> list[Suppressed[Kind]]:
        """Closes all windows and returns their counts."""
        return self._close(list(self._windows), now)

    def _close(self, kinds: list[Kind], now: float) -> list[Suppressed[Kind]]:
        return [summary for kind in kinds for summary in self._summary(kind, self._windows.pop(kind), now)]

    @staticmethod
    def _summary(kind: Kind, window: _Window, now: float) -> Iterator[Suppressed[Kind]]:
        if window.suppressed:
            yield Suppressed(kind, window.suppressed, now - window.since)
