"""The lifecycle of one API process, for its probes and its server."""

import time


class Lifecycle:
    """Starting, serving, draining, in this order."""

    def __init__(self) -> None:
        self._born = time.monotonic()
        self._started = False
        self._draining = False

    @property
    def started(self) -> bool:
        return self._started

    @property
    def draining(self) -> bool:
        """True after SIGTERM: the replica is not ready, and each response closes its connection."""
        return self._draining

    @property
    def uptime_seconds(self) -> float:
        return time.monotonic() - self._born

    def start(self) -> None:
        self._started = True

    def drain(self) -> None:
        self._draining = True
