"""Throttling of repeated events: the first few of a kind pass, the rest are counted, and the count is reported."""

from collections import OrderedDict
from collections.abc import Hashable
from dataclasses import dataclass, field
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


@dataclass(slots=True)
class Throttle(Generic[Kind]):
    """Lets `limit` events of each kind pass in each window of `seconds`.

    Keeps windows of `max_kinds` kinds and evicts the least recent one, reporting its count. So the first event of a
    kind always passes, every suppressed event is counted, and memory is bounded. Not safe for several threads.
    """

    limit: int = LIMIT
    seconds: float = WINDOW_SECONDS
    max_kinds: int = MAX_KINDS
    _windows: OrderedDict[Kind, _Window] = field(default_factory=OrderedDict, init=False)

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
            summaries += self._close([kind], now)
            window = None
        if window is None:
            window = self._windows[kind] = _Window(now)
        self._windows.move_to_end(kind)
        if len(self._windows) > self.max_kinds:
            summaries += self._close([next(iter(self._windows))], now)
        if window.passed < self.limit:
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
        closed = [(kind, self._windows.pop(kind)) for kind in kinds]
        return [Suppressed(kind, each.suppressed, now - each.since) for kind, each in closed if each.suppressed]
