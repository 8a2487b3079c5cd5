"""The key that signs tokens: from the settings, or generated once beside the embedded database."""

import os
import secrets
from contextlib import suppress

from app.settings import Settings
from app.settings.state_folder import private_folder


def signing_key(settings: Settings) -> str:
    """Returns the key of the settings, or the embedded one, which it generates if needed. Raises SettingsError."""
    if settings.secret_key is not None:
        return settings.secret_key.get_secret_value()
    path = settings.state_dir / "secret_key"
    if not path.exists():
        private_folder(settings.state_dir)
        # Written to a draft and linked, so that a process that starts at the same time never reads half a key.
        draft = path.with_name(f"{path.name}.{secrets.token_hex(8)}")
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(secrets.token_hex(32))
        with suppress(FileExistsError):
            os.link(draft, path)
        draft.unlink()
    return path.read_text()
