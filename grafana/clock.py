"""How long a window is. A test may run the clock faster, so that it sees an alert come and go within minutes."""

from dataclasses import dataclass
from typing import Final

MINUTE: Final = 60
UNITS: Final = (("d", 86400), ("h", 3600), ("m", 60), ("s", 1))

INTERVAL_SECONDS: Final = 30
# With a scrape every 5 s a rate needs three samples, and rules need not be evaluated more often than data come.
FASTEST_INTERVAL_SECONDS: Final = 5
SHORTEST_RANGE_SECONDS: Final = 15


def duration(seconds: int) -> str:
    """Seconds as Prometheus writes them, in the largest unit that fits: 5m, 1h, 3d."""
    unit, size = next((unit, size) for unit, size in UNITS if seconds % size == 0)
    return f"{seconds // size}{unit}"


@dataclass(frozen=True)
class Clock:
    """Turns minutes of the specification into durations of the rules, `compress` times shorter."""

    compress: int = 1

    @property
    def interval_seconds(self) -> int:
        """Between two evaluations of a rule."""
        return max(INTERVAL_SECONDS // self.compress, FASTEST_INTERVAL_SECONDS)

    def range(self, minutes: int) -> str:
        """A range for a selector, never shorter than what a scrape every 5 s can fill."""
        return duration(max(minutes * MINUTE // self.compress, SHORTEST_RANGE_SECONDS))

    def hold(self, minutes: int) -> str:
        """How long an alert must hold before it fires."""
        return duration(minutes * MINUTE // self.compress)
