"""Typed settings of all processes, read once at startup.

Sources, in order of precedence: environment, `.env`, files in SECRETS_DIR that have the setting's name, defaults.
"""

from app.settings.model import Settings, SettingsError, read

__all__ = ["Settings", "SettingsError", "read"]
