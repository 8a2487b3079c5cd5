"""What is wrong with settings that are each well-formed: whatever would lose data, requests or secrets later."""

import re
from collections.abc import Collection
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from app.settings import production
from app.settings.redis import read_redis_url

if TYPE_CHECKING:
    from app.settings import Settings

MINIMUM_KEY_BYTES: Final = 32
SHUTDOWN_MARGIN_SECONDS: Final = 4.0
_ORIGIN: Final = re.compile(r"https?://[a-z0-9.-]+(:[0-9]{1,5})?|https?://\[[0-9a-f:]+\](:[0-9]{1,5})?")
DRIVERS: Final = {
    "postgres": "postgresql+asyncpg",
    "postgresql": "postgresql+asyncpg",
    "postgresql+asyncpg": "postgresql+asyncpg",
    "sqlite": "sqlite+aiosqlite",
    "sqlite+aiosqlite": "sqlite+aiosqlite",
}


def problems(settings: "Settings", withheld: Collection[str] = ()) -> list[str]:
    """One sentence for each thing that is wrong; none repeats a value, since it may be a secret.

    Settings that are `withheld` from this process are not missed.
    """
    return [*_urls(settings), *_processes(settings, withheld), *_outside(settings, withheld)]


def _urls(settings: "Settings") -> list[str]:
    problems = []
    if settings.database_url is not None:
        scheme, separator, _ = settings.database_url.get_secret_value().partition("://")
        if not separator or scheme not in DRIVERS:
            problems.append("DATABASE_URL: names no database that this service knows; use postgresql://…")
    if settings.database_application_url is not None:
        problems += _application_url(settings.database_application_url.get_secret_value(), settings)
    if settings.redis_url is not None:
        try:
            read_redis_url(settings.redis_url.get_secret_value())
        except ValueError as problem:
            problems.append(f"REDIS_URL: {problem}")
    for name, secret in (("SECRET_KEY", settings.secret_key), ("ADMIN_TOKEN", settings.admin_token)):
        if secret is not None and len(secret.get_secret_value().encode()) < MINIMUM_KEY_BYTES:
            problems.append(f"{name}: must be {MINIMUM_KEY_BYTES} bytes or more; try: openssl rand -hex 32")
    addresses = {
        "PROVIDER_URL": settings.provider_url,
        "MAIL_URL": settings.mail_url,
        "OTEL_EXPORTER_OTLP_ENDPOINT": settings.otlp_endpoint,
        "SENTRY_DSN": settings.sentry_dsn.get_secret_value() if settings.sentry_dsn else None,
    }
    problems += [
        f"{name}: must start with http:// or https://"
        for name, url in addresses.items()
        if url and not url.startswith(("http://", "https://"))
    ]
    if not all(_is_origin(origin) for origin in settings.cors_origins):
        problems.append(
            "CORS_ORIGINS: an origin is a scheme and a host, such as https://shop.example.com, without a path"
        )
    return problems


def _application_url(url: str, settings: "Settings") -> list[str]:
    name = "DATABASE_APPLICATION_URL"
    if not _on_postgresql(settings):
        return [f"{name}: needs DATABASE_URL (PostgreSQL), of the user who owns the schema"]
    try:
        users = [urlsplit(each).username for each in (url, settings.database_url.get_secret_value())]  # type: ignore[union-attr]
    except ValueError:
        users = [None]
    if not url.startswith("postgres") or not users[0]:
        return [f"{name}: must name a user, as postgresql://user:password@host/database"]
    return [f"{name}: must name another user than DATABASE_URL"] if users[0] == users[1] else []


def _processes(settings: "Settings", withheld: Collection[str]) -> list[str]:
    problems = []
    needed = settings.drain_seconds + settings.shutdown_seconds + SHUTDOWN_MARGIN_SECONDS
    if settings.graceful_timeout_seconds < needed:
        problems.append(
            f"GRACEFUL_TIMEOUT_SECONDS: must be {needed:g} or more, that is DRAIN_SECONDS + SHUTDOWN_SECONDS"
            f" + {SHUTDOWN_MARGIN_SECONDS:g}, or requests in flight are cut"
        )
    slowest, seconds = max(
        ("PROVIDER_TIMEOUT_SECONDS", settings.provider_timeout_seconds),
        ("MAIL_TIMEOUT_SECONDS", settings.mail_timeout_seconds),
        key=lambda named: named[1],
    )
    if settings.claim_seconds <= seconds:
        problems.append(f"CLAIM_SECONDS: must be above {slowest}, or two workers do the same work at once")
    if settings.job_seconds <= seconds:
        problems.append(f"JOB_SECONDS: must be above {slowest}, or no try ever ends well")
    alone = settings.redis_url is None or not _on_postgresql(settings)
    if settings.web_concurrency > 1 and alone and "redis_url" not in withheld:
        problems.append(
            "WEB_CONCURRENCY: more than one process needs DATABASE_URL (PostgreSQL) and REDIS_URL;"
            " the embedded jobs live in one process"
        )
    if settings.redis_url is not None and not _on_postgresql(settings):
        problems.append("REDIS_URL: workers in other processes need DATABASE_URL (PostgreSQL) as well")
    return problems


def _outside(settings: "Settings", withheld: Collection[str]) -> list[str]:
    if settings.environment == "local":
        return []
    missing = [
        f"{name.upper()}: must be set when ENVIRONMENT is {settings.environment}"
        for name in ("database_url", "redis_url", "secret_key")
        if getattr(settings, name) is None and name not in withheld
    ]
    return missing + (production.problems(settings) if settings.environment == "production" else [])


def _on_postgresql(settings: "Settings") -> bool:
    return settings.database_url is not None and settings.database_url.get_secret_value().startswith("postgres")


def _is_origin(origin: str) -> bool:
    return origin == "*" or _ORIGIN.fullmatch(origin) is not None
