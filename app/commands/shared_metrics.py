"""Folder in which the processes of one service keep their counters, so that one of them can sum them."""

import fcntl
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final

from prometheus_client import values

if TYPE_CHECKING:
    from app.settings import Settings

PREFIX: Final = "binnacle-metrics-"
LOCK: Final = "lock"
_BEING_MADE_SECONDS: Final = 5.0


@contextmanager
def share_metrics(settings: "Settings") -> Iterator[Path]:
    """Gives this process, and those that it will start, an empty folder for their counters, until the block ends.

    What the dead left must not be summed, so each start has a folder of its own, and removes those whose service was
    killed: nobody holds their lock. Metrics that were made before the block are this process's alone.
    """
    parent = settings.multiprocess_dir or Path(tempfile.gettempdir())
    parent.mkdir(parents=True, exist_ok=True)
    for left in parent.glob(f"{PREFIX}*"):
        _remove_if_dead(left)
    folder = Path(tempfile.mkdtemp(prefix=PREFIX, dir=parent))
    _lock(folder)  # for as long as one of the processes lives: a fork inherits it, and no kill leaves it behind
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(folder)
    # The library looks at the environment once, when it is imported, which may have been before.
    values.ValueClass = values.get_value_class()  # type: ignore[no-untyped-call]
    owner = os.getpid()
    try:
        yield folder
    finally:
        if os.getpid() == owner:  # a process that was forked in the block leaves it too
            shutil.rmtree(folder, ignore_errors=True)


def _lock(folder: Path) -> int:
    """Returns an open descriptor that holds the folder's lock. Raises BlockingIOError when another process does."""
    descriptor = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        raise
    return descriptor


def _remove_if_dead(folder: Path) -> None:
    with suppress(OSError):  # another start does the same, or it is another user's
        if time.time() - folder.stat().st_mtime < _BEING_MADE_SECONDS:
            return
        descriptor = _lock(folder)
        shutil.rmtree(folder, ignore_errors=True)
        os.close(descriptor)
