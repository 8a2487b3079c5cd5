"""Folder of the embedded state, which other users of the machine may not read."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from app.settings.model import SettingsError


def private_folder(path: Path) -> Path:
    """Creates a folder that only this user may use, unless it exists; returns it.

    Raises SettingsError if it can't be created or written to.
    """
    with _refused(path):
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not os.access(path, os.W_OK | os.X_OK):
            raise PermissionError(None, "Permission denied")
    return path


def private_file(path: Path) -> Path:
    """Creates an empty file that only this user may read, or removes other users' access to it; returns it.

    Raises SettingsError if it can't be read and written.
    """
    private_folder(path.parent)
    with _refused(path), open(path, "a+b", opener=partial(os.open, mode=0o600)) as file:
        about = os.fstat(file.fileno())
        if about.st_uid == os.geteuid() and about.st_mode & 0o077:
            os.fchmod(file.fileno(), 0o600)
    return path


@contextmanager
def _refused(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise SettingsError(
            f"STATE_DIR: {path} can't be written: {error.strerror}. Set it to a folder that this user can write to,"
            " such as STATE_DIR=$HOME/binnacle"
        ) from error
