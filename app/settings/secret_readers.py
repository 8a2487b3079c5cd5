"""Commands that read each secret, so that a process gets only the secrets that it needs."""

from collections.abc import Collection, Mapping
from typing import Final

_QUEUE: Final = frozenset({"run", "serve", "worker", "reconciler"})
READERS: Final[Mapping[str, frozenset[str]]] = {
    "secret_key": frozenset({"run", "serve"}),
    "admin_token": _QUEUE,
    "database_url": _QUEUE | {"migrate", "seed", "promote"},
    "database_application_url": frozenset({"migrate"}),
    "redis_url": _QUEUE,
    "sentry_dsn": _QUEUE,
    "provider_api_key": frozenset({"run", "serve", "worker"}),
    "mail_api_key": frozenset({"run", "worker"}),
    "mail_password": frozenset({"run", "worker"}),
    "https_proxy": frozenset({"run", "serve", "worker"}),
}


def unread(command: str | None) -> Collection[str]:
    """Returns the secret settings that a command does not read. None stands for all commands, which read all."""
    return () if command is None else tuple(name for name, readers in READERS.items() if command not in readers)
