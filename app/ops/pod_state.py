"""State that an operator requested for the processes of a pod: in memory, or in a file that several processes share."""

import json
import os
import threading
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

_FILE = "operator.json"


@dataclass(frozen=True, slots=True)
class Asked:
    """Requested state. `level` applies until `until`, in seconds since 1970; `draining` is permanent."""

    level: str | None = None
    until: float = 0.0
    draining: bool = False


class Board:
    """Shared state: each process reads it about once a second; the process with the admin port writes it."""

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

    def change(self, **asked: Any) -> Asked:
        """Changes the given fields and returns the state. Raises OSError if the file can't be written."""
        with self._lock:
            changed = replace(self.read(), **asked)
            if self._file is not None:
                new = self._file.with_suffix(f".{os.getpid()}")
                new.write_text(json.dumps(asdict(changed)))
                new.replace(self._file)
            self._asked = changed
        return changed


def board() -> Board:
    """Returns the state of this pod, in a file if its processes share a folder for metrics."""
    folder = os.environ.get("PROMETHEUS_MULTIPROC_DIR")
    return Board(Path(folder) / _FILE if folder else None)
