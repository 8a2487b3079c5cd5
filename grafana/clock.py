"""Durations of windows. Tests compress them, so that an alert fires and resolves within minutes."""

from dataclasses import dataclass
from typing import Final

MINUTE: Final = 60
UNITS: Final = (("d", 86400), ("h", 3600), ("m", 60), ("s", 1))

INTERVAL_SECONDS: Final = 30
# With a scrape every 5 s, `rate` needs three samples, and evaluating rules more often than that gains nothing.
FASTEST_INTERVAL_SECONDS: Final = 5
SHORTEST_RANGE_SECONDS: Final = 15


def duration(seconds: int) -> str:
    """Formats seconds as a Prometheus duration in the largest unit that fits: 5m, 1h, 3d."""
    unit, size = next((unit, size) for unit, size in UNITS if seconds % size == 0)
    return f"{seconds // size}{unit}"


@dataclass(frozen=True)
class Clock:
    """Converts minutes of the specification to durations in the rules, divided by `compress`."""

    compress: int = 1

    @property
    def interval_seconds(self) -> int:
        """Seconds between two evaluations of a rule."""
        return max(INTERVAL_SECONDS // self.compress, FASTEST_INTERVAL_SECONDS)

    def range(self, minutes: int) -> str:
        """Returns the range of a selector, long enough for three samples at a scrape interval of 5 s."""
        return duration(max(minutes * MINUTE // self.compress, SHORTEST_RANGE_SECONDS))

    def hold(self, minutes: int) -> str:
        """Returns the `for` duration of an alert."""
        return duration(minutes * MINUTE // self.compress)
