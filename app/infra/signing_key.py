"""The key that signs tokens: given by the settings, or made once and kept beside the embedded database."""

import os
import secrets
from contextlib import suppress
from typing import TYPE_CHECKING

from app.settings.state_folder import private_folder

if TYPE_CHECKING:
    from app.settings import Settings


def signing_key(settings: "Settings") -> str:
    """Returns the key of the settings, or the embedded one, which is made if need be. Raises SettingsError."""
    if settings.secret_key is not None:
        return settings.secret_key.get_secret_value()
    path = settings.state_dir / "secret_key"
    if not path.exists():
        private_folder(settings.state_dir)
        # Written whole beside it, then linked: who starts at the same moment never reads half a key.
        draft = path.with_name(f"{path.name}.{secrets.token_hex(8)}")
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(secrets.token_hex(32))
        with suppress(FileExistsError):
            os.link(draft, path)
        draft.unlink()
    return path.read_text()
