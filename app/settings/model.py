"""Settings of one process, combined from their groups."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from pydantic_settings import SettingsConfigDict

from app.settings import checks, postgresql
from app.settings.accounts import AccountSettings
from app.settings.dependencies import DependencySettings
from app.settings.edge import EdgeSettings
from app.settings.jobs import JobSettings
from app.settings.mail import MailSettings
from app.settings.processes import ProcessSettings
from app.settings.provider import ProviderSettings, SandboxSettings
from app.settings.redis import RedisAddress, read_redis_url
from app.settings.secret_readers import unread
from app.settings.stores import StoreSettings
from app.settings.telemetry import TelemetrySettings


class SettingsError(Exception):
    """The settings are not valid; the message has a line for each problem."""


class Settings(
    ProcessSettings,
    EdgeSettings,
    StoreSettings,
    AccountSettings,
    ProviderSettings,
    JobSettings,
    MailSettings,
    DependencySettings,
    TelemetrySettings,
    SandboxSettings,
):
    """Settings of a process. Durations are in seconds unless the name states another unit."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore", env_file=".env", hide_input_in_errors=True)

    @property
    def embedded(self) -> bool:
        """Tests whether the jobs run inside the API process."""
        return self.redis_url is None

    @property
    def ledger(self) -> Path:
        """File of the sandbox's ledger."""
        return self.sandbox_database or self.state_dir / "sandbox.db"

    @property
    def database_file(self) -> Path:
        """File of the embedded database, which is used without DATABASE_URL."""
        return self.state_dir / "binnacle.db"

    @property
    def database_server(self) -> postgresql.Server | None:
        """Address of PostgreSQL; None with SQLite."""
        url = self.database_url.get_secret_value() if self.database_url is not None else ""
        return postgresql.parse(url) if url.startswith("postgres") else None

    @property
    def sqlite_dsn(self) -> str:
        """URL of the SQLite file for SQLAlchemy."""
        if self.database_url is None:
            return f"sqlite+aiosqlite:///{self.database_file}"
        return f"sqlite+aiosqlite://{self.database_url.get_secret_value().partition('://')[2]}"

    @property
    def redis(self) -> RedisAddress | None:
        """Address of Redis and the options to connect with; None without REDIS_URL."""
        return None if self.redis_url is None else read_redis_url(self.redis_url.get_secret_value())


def read(command: str | None = None, /, **overrides: Any) -> Settings:
    """Reads the settings of a command, without the secrets of other commands; None reads all of them.

    Raises SettingsError with one line for each problem, without values, since they may be secrets.
    """
    secrets = os.environ.get("SECRETS_DIR") or None
    if secrets is not None and not Path(secrets).is_dir():
        raise SettingsError("SECRETS_DIR: the folder does not exist; mount the secrets there, or unset it")
    withheld = unread(command)
    try:
        settings = Settings(_secrets_dir=secrets, **dict.fromkeys(withheld) | overrides)
    except ValidationError as invalid:
        raise SettingsError("\n".join(_lines(invalid))) from None
    if problems := checks.problems(settings, withheld):
        raise SettingsError("\n".join(problems))
    return settings


def _lines(invalid: ValidationError) -> Iterator[str]:
    for error in invalid.errors(include_input=False, include_url=False):
        name = "_".join(str(part) for part in error["loc"][:1]).upper()
        message = error["msg"].removeprefix("Value error, ")
        yield f"{name}: {message}" if name else message
