"""Folder in which the processes of a service share their metrics, so that one of them can sum them."""

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
    """Creates an empty folder for the metrics of this process and its children; removes it when the block ends.

    Metrics of earlier processes must not be summed, so each start creates its own folder. It also removes folders of
    killed services, which are those that no process has locked. Metrics created before the block are not shared.
    """
    parent = settings.multiprocess_dir or Path(tempfile.gettempdir())
    parent.mkdir(parents=True, exist_ok=True)
    for left in parent.glob(f"{PREFIX}*"):
        _remove_if_dead(left)
    folder = Path(tempfile.mkdtemp(prefix=PREFIX, dir=parent))
    # Held while one of the processes lives: forks inherit it, and the kernel releases it after a kill.
    fcntl.flock(os.open(folder / LOCK, os.O_RDWR | os.O_CREAT, 0o600), fcntl.LOCK_EX)
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(folder)
    # prometheus_client reads the environment once, at its import, which may have been earlier.
    values.ValueClass = values.get_value_class()  # type: ignore[no-untyped-call]
    owner = os.getpid()
    try:
        yield folder
    finally:
        if os.getpid() == owner:  # forked processes leave the block as well
            shutil.rmtree(folder, ignore_errors=True)


def _remove_if_dead(folder: Path) -> None:
    with suppress(OSError):  # another start removes it, or it belongs to another user
        if time.time() - folder.stat().st_mtime < _BEING_MADE_SECONDS:
            return
        with (folder / LOCK).open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(folder, ignore_errors=True)
