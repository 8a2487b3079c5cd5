"""Every setting of every process: typed, read once at the start, passed in.

Sources, first one wins: environment, `.env`, files named after the setting in SECRETS_DIR, the defaults.
"""

from app.settings.model import Settings, SettingsError, read

__all__ = ["Settings", "SettingsError", "read"]
