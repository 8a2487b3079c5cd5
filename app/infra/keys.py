"""The key that signs tokens: given by the settings, or made once and kept beside the embedded database."""

import os
import secrets
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from app.settings import Settings


def signing_key(settings: "Settings") -> str:
    """Raises OSError when the embedded key can't be kept."""
    if settings.secret_key is not None:
        return settings.secret_key.get_secret_value()
    path = settings.state_dir / "secret_key"
    settings.state_dir.mkdir(parents=True, exist_ok=True)
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return path.read_text()
    with os.fdopen(descriptor, "w") as file:
        key = secrets.token_hex(32)
        file.write(key)
    return key
