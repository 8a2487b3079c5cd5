"""An operator's changes of a pod, a temporary log level or the drain, which each of its processes applies."""

import json
import os
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import KW_ONLY, asdict, dataclass, replace
from pathlib import Path
from typing import Any, Final

import structlog

from app.telemetry import logs

EVERY_SECONDS: Final = 1.0
_FILE: Final = "operator.json"


@dataclass(frozen=True, slots=True)
class Asked:
    """Requested state. `level` applies until `until`, in seconds since 1970; `draining` is permanent."""

    level: str | None = None
    until: float = 0.0
    draining: bool = False


class Board:
    """Requested state, in memory or in a shared file, which the process with the admin port writes and all read."""

    def __init__(self, file: Path | None = None) -> None:
        self._file = file
        self._asked = Asked()
        self._lock = threading.Lock()

    def read(self) -> Asked:
        """Returns the state; the last known one if the file is missing or incomplete."""
        if self._file is not None:
            with suppress(OSError, ValueError, TypeError):
                self._asked = Asked(**json.loads(self._file.read_bytes()))
        return self._asked

    def change(self, **asked: Any) -> None:
        """Changes the given fields. Raises OSError if the file can't be written."""
        with self._lock:
            changed = replace(self.read(), **asked)
            if self._file is not None:
                new = self._file.with_suffix(f".{os.getpid()}")
                new.write_text(json.dumps(asdict(changed)))
                new.replace(self._file)
            self._asked = changed


def board() -> Board:
    """Returns the state of this pod, in a file if its processes share a folder for metrics."""
    folder = os.environ.get("PROMETHEUS_MULTIPROC_DIR")
    return Board(Path(folder) / _FILE if folder else None)


@dataclass
class Control:
    """Control of one process. `drain` starts its drain; `drains` tests whether a signal has started it already."""

    board: Board
    configured_level: str
    drain: Callable[[], None] | None = None
    _: KW_ONLY
    drains: Callable[[], bool] = lambda: False
    set_level: Callable[[str], None] = logs.set_level
    clock: Callable[[], float] = time.time

    def __post_init__(self) -> None:
        self._level = self.configured_level
        self._draining = False
        self._lock = threading.Lock()
        self._follower: threading.Thread | None = None
        self._stop = threading.Event()

    @property
    def draining(self) -> bool:
        """Tests whether an operator or a signal has started the drain."""
        return self.board.read().draining or self.drains()

    def now(self) -> Asked:
        """Returns the current state, without a log level that has expired."""
        asked = self.board.read()
        expired = asked.level is None or asked.until <= self.clock()
        return Asked(draining=asked.draining) if expired else asked

    def change_level(self, level: str, seconds: float) -> None:
        """Sets the log level of the pod's processes for some seconds. Raises OSError if the state can't be written."""
        self.board.change(level=level, until=self.clock() + seconds)
        self.apply()
        self.follow()

    def begin_drain(self) -> None:
        """Drains all processes of the pod without stopping them. Raises OSError if the state can't be written."""
        self.board.change(draining=True)
        self.apply()

    def follow(self) -> None:
        """Starts a thread that applies changes about once a second. Safe to call again."""
        with self._lock:
            if self._follower is None:
                self._follower = threading.Thread(target=self._follow, name="operator", daemon=True)
                self._follower.start()

    def close(self) -> None:
        self._stop.set()

    def apply(self) -> None:
        """Applies new changes, and resets a log level that has expired."""
        with self._lock:
            asked = self.now()
            level = asked.level or self.configured_level
            if level != self._level:
                was, self._level = self._level, level
                self.set_level(level)
                structlog.get_logger().warning("log_level_changed", was=was, now=level)
            if asked.draining and not self._draining and self.drain is not None:
                self._draining = True
                self.drain()
                structlog.get_logger().warning("drain_asked_for")

    def _follow(self) -> None:
        while not self._stop.wait(EVERY_SECONDS):
            self.apply()
