"""Preparation that several commands share."""

from app import settings as configuration
from app.settings import Settings, SettingsError
from app.telemetry import logs


def settings_and_logs(command: str) -> Settings:
    """Reads the settings of a command and configures logs by them. Raises SettingsError."""
    settings = configuration.read(command)
    logs.configure(settings.log_level, settings.log_format)
    if settings.log_format == "json":
        logs.catch_all()
    return settings


def require_queue(settings: Settings) -> None:
    """Raises SettingsError when there is no queue to work on."""
    if settings.redis_url is None:
        raise SettingsError("REDIS_URL: this process works on the queue in Redis; embedded, the API does its work")
