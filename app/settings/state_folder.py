"""The folder of the embedded state: no other user of the machine may read what lies in it."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from app.settings.model import SettingsError


def private_folder(path: Path) -> Path:
    """Makes a folder for this user alone, unless it exists, and returns it.

    Raises SettingsError when it can't be made or written to.
    """
    with _refused(path):
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not os.access(path, os.W_OK | os.X_OK):
            raise PermissionError(None, "Permission denied")
    return path


def private_file(path: Path) -> Path:
    """Makes an empty file that this user alone may read, or takes others' rights to one that exists; returns it.

    Raises SettingsError when it can't be read and written.
    """
    private_folder(path.parent)
    with _refused(path):
        file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            about = os.fstat(file)
            if about.st_uid == os.geteuid() and about.st_mode & 0o077:
                os.fchmod(file, 0o600)
        finally:
            os.close(file)
    return path


@contextmanager
def _refused(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise SettingsError(
            f"STATE_DIR: {path} can't be written: {error.strerror}. Name a folder that this user may write to, such as"
            " STATE_DIR=$HOME/binnacle"
        ) from error
