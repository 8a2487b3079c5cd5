"""The life of one API process, as its probes and its server see it."""

import time


class Lifecycle:
    """Starting, serving, draining. Only goes forward."""

    def __init__(self) -> None:
        self._born = time.monotonic()
        self._started = False
        self._draining = False

    @property
    def started(self) -> bool:
        return self._started

    @property
    def draining(self) -> bool:
        """True from SIGTERM on: not ready, and each answer closes its connection."""
        return self._draining

    @property
    def uptime_seconds(self) -> float:
        return time.monotonic() - self._born

    def start(self) -> None:
        self._started = True

    def drain(self) -> None:
        self._draining = True
