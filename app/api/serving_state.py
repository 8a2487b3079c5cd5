"""State of one API process (starting, serving or draining): read by its probes, set by its server."""

import time


class ServingState:
    """Flags and uptime of a process; each response of one that drains closes its connection."""

    def __init__(self) -> None:
        self._born = time.monotonic()
        self.started = False
        self.draining = False

    @property
    def uptime_seconds(self) -> float:
        return time.monotonic() - self._born

    def start(self) -> None:
        self.started = True

    def drain(self) -> None:
        self.draining = True
