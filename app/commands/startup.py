"""Startup steps that several commands share."""

from app import settings as configuration
from app.settings import Settings, SettingsError
from app.telemetry import logs


def settings_and_logs(command: str, *, queue: bool = False) -> Settings:
    """Reads the settings of a command, which may need the queue, and configures logging. Raises SettingsError."""
    settings = configuration.read(command)
    logs.configure(settings.log_level, settings.log_format)
    if settings.log_format == "json":
        logs.catch_all()
    if queue and settings.redis_url is None:
        raise SettingsError("REDIS_URL: must be set for this command; without Redis, the API runs the jobs")
    return settings
