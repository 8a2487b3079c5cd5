"""Checks the URLs of databases."""

from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from app.settings import postgresql

if TYPE_CHECKING:
    from app.settings import Settings

_SQLITE: Final = ("sqlite", "sqlite+aiosqlite")


def on_postgresql(settings: "Settings") -> bool:
    """Tests whether the database is PostgreSQL, which several processes can share."""
    return settings.database_url is not None and settings.database_url.get_secret_value().startswith("postgres")


def problems(settings: "Settings") -> list[str]:
    """Returns one sentence for each problem, without values."""
    problems = []
    if settings.database_url is not None:
        problems += _database_url(settings.database_url.get_secret_value())
    if settings.database_application_url is not None:
        problems += _application_url(settings.database_application_url.get_secret_value(), settings)
    return problems


def _database_url(url: str) -> list[str]:
    scheme, separator, _ = url.partition("://")
    if not separator or scheme not in (*postgresql.SCHEMES, *_SQLITE):
        return ["DATABASE_URL: the database is not supported; use postgresql://…"]
    if scheme in postgresql.SCHEMES:
        try:
            postgresql.parse(url)
        except ValueError as error:
            return [f"DATABASE_URL: {error}"]
    return []


def _application_url(url: str, settings: "Settings") -> list[str]:
    name = "DATABASE_APPLICATION_URL"
    if settings.database_url is None or not on_postgresql(settings):
        return [f"{name}: needs DATABASE_URL (PostgreSQL), of the user who owns the schema"]
    try:
        user, owner = (urlsplit(each).username for each in (url, settings.database_url.get_secret_value()))
    except ValueError:
        user = owner = None
    if not url.startswith("postgres") or not user:
        return [f"{name}: must name a user, as postgresql://user:password@host/database"]
    return [f"{name}: must name another user than DATABASE_URL"] if user == owner else []
