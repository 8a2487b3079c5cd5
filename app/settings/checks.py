"""What is wrong with settings that are each well-formed: whatever would lose data, requests or secrets later."""

import re
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from app.settings import production

if TYPE_CHECKING:
    from app.settings import Settings

MINIMUM_KEY_BYTES: Final = 32
SHUTDOWN_MARGIN_SECONDS: Final = 4.0
_ORIGIN: Final = re.compile(r"https?://[a-z0-9.-]+(:[0-9]{1,5})?|https?://\[[0-9a-f:]+\](:[0-9]{1,5})?")
_TOKEN: Final = re.compile(r"[!-~]+")
DRIVERS: Final = {
    "postgres": "postgresql+asyncpg",
    "postgresql": "postgresql+asyncpg",
    "postgresql+asyncpg": "postgresql+asyncpg",
    "sqlite": "sqlite+aiosqlite",
    "sqlite+aiosqlite": "sqlite+aiosqlite",
}


def problems(settings: "Settings") -> list[str]:
    """One sentence for each thing that is wrong; none repeats a value, since it may be a secret."""
    return [*_urls(settings), *_keys(settings), *_smtp(settings), *_processes(settings), *_outside(settings)]


def _urls(settings: "Settings") -> list[str]:
    problems = []
    if settings.database_url is not None:
        scheme, separator, _ = settings.database_url.get_secret_value().partition("://")
        if not separator or scheme not in DRIVERS:
            problems.append("DATABASE_URL: names no database that this service knows; use postgresql://…")
    if settings.redis_url is not None and not settings.redis_url.get_secret_value().startswith(
        ("redis://", "rediss://")
    ):
        problems.append("REDIS_URL: must start with redis:// or rediss://")
    addresses = {
        "PROVIDER_URL": settings.provider_url,
        "MAIL_URL": None if settings.mail_by_smtp else settings.mail_url,
        "HTTPS_PROXY": settings.https_proxy.get_secret_value() if settings.https_proxy else None,
        "OTEL_EXPORTER_OTLP_ENDPOINT": settings.otlp_endpoint,
        "SENTRY_DSN": settings.sentry_dsn.get_secret_value() if settings.sentry_dsn else None,
    }
    problems += [
        f"{name}: must start with http:// or https://"
        for name, url in addresses.items()
        if url and not url.startswith(("http://", "https://"))
    ]
    if settings.ssl_cert_file is not None and not settings.ssl_cert_file.is_file():
        problems.append("SSL_CERT_FILE: there is no such file; mount the authorities there, or leave it out")
    if not all(_is_origin(origin) for origin in settings.cors_origins):
        problems.append(
            "CORS_ORIGINS: an origin is a scheme and a host, such as https://shop.example.com, without a path"
        )
    return problems


def _keys(settings: "Settings") -> list[str]:
    problems = []
    for name, secret in (("SECRET_KEY", settings.secret_key), ("ADMIN_TOKEN", settings.admin_token)):
        if secret is not None and len(secret.get_secret_value().encode()) < MINIMUM_KEY_BYTES:
            problems.append(f"{name}: must be {MINIMUM_KEY_BYTES} bytes or more; try: openssl rand -hex 32")
    for name, key in (("PROVIDER_API_KEY", settings.provider_api_key), ("MAIL_API_KEY", settings.mail_api_key)):
        if key is not None and not _TOKEN.fullmatch(key.get_secret_value()):
            problems.append(f"{name}: an HTTP header can't carry it; it must be visible ASCII without spaces")
    if settings.mail_api_key is not None and settings.mail_url is None:
        problems.append("MAIL_API_KEY: needs MAIL_URL; without it, PROVIDER_URL is asked, with PROVIDER_API_KEY")
    return problems


def _smtp(settings: "Settings") -> list[str]:
    problems = []
    login = settings.mail_user is not None or settings.mail_password is not None
    if login and not settings.mail_by_smtp:
        problems.append(
            "MAIL_USER, MAIL_PASSWORD: need an SMTP server in MAIL_URL, such as smtp://mail.example.com:587"
        )
    if login and (settings.mail_user is None or settings.mail_password is None):
        problems.append("MAIL_USER, MAIL_PASSWORD: one needs the other")
    if not settings.mail_by_smtp:
        return problems
    if settings.mail_from is None:
        problems.append("MAIL_FROM: must be set when MAIL_URL names an SMTP server, which has no sender of its own")
    if settings.mail_api_key is not None:
        problems.append("MAIL_API_KEY: is for a provider over HTTP; an SMTP server takes MAIL_USER and MAIL_PASSWORD")
    if login and urlsplit(settings.mail_url or "").scheme == "smtp" and not settings.mail_starttls:
        problems.append(
            "MAIL_STARTTLS: must be true when MAIL_PASSWORD is set, or the password crosses the net in clear"
        )
    return problems


def _processes(settings: "Settings") -> list[str]:
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
    if settings.web_concurrency > 1 and alone:
        problems.append(
            "WEB_CONCURRENCY: more than one process needs DATABASE_URL (PostgreSQL) and REDIS_URL;"
            " the embedded jobs live in one process"
        )
    if settings.redis_url is not None and not _on_postgresql(settings):
        problems.append("REDIS_URL: workers in other processes need DATABASE_URL (PostgreSQL) as well")
    return problems


def _outside(settings: "Settings") -> list[str]:
    if settings.environment == "local":
        return []
    missing = [
        f"{name.upper()}: must be set when ENVIRONMENT is {settings.environment}"
        for name in ("database_url", "redis_url", "secret_key")
        if getattr(settings, name) is None
    ]
    return missing + (production.problems(settings) if settings.environment == "production" else [])


def _on_postgresql(settings: "Settings") -> bool:
    return settings.database_url is not None and settings.database_url.get_secret_value().startswith("postgres")


def _is_origin(origin: str) -> bool:
    return origin == "*" or _ORIGIN.fullmatch(origin) is not None
