"""What an operator asked for, where every process of a pod sees it: in memory, or in a file when there are several."""

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
    """`level` holds until the moment `until`, in seconds since 1970; `draining` for good."""

    level: str | None = None
    until: float = 0.0
    draining: bool = False


class Board:
    """Read by each process about once a second; written by the one that serves the admin port."""

    def __init__(self, file: Path | None = None) -> None:
        self._file = file
        self._asked = Asked()
        self._lock = threading.Lock()

    @property
    def shared(self) -> bool:
        """Whether other processes may write."""
        return self._file is not None

    def read(self) -> Asked:
        """What holds. A file that is not there, or not whole, says nothing new."""
        if self._file is not None:
            with suppress(OSError, ValueError, TypeError):
                self._asked = Asked(**json.loads(self._file.read_bytes()))
        return self._asked

    def change(self, **asked: Any) -> Asked:
        """Changes a part, and gives the whole. Raises OSError when the file can't be written."""
        with self._lock:
            changed = replace(self.read(), **asked)
            if self._file is not None:
                new = self._file.with_suffix(f".{os.getpid()}")
                new.write_text(json.dumps(asdict(changed)))
                new.replace(self._file)
            self._asked = changed
        return changed


def board() -> Board:
    """In the folder that the processes of this pod share for their metrics, if they do."""
    folder = os.environ.get("PROMETHEUS_MULTIPROC_DIR")
    return Board(Path(folder) / _FILE if folder else None)
