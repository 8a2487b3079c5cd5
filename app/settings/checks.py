"""Checks valid settings for values and combinations that would lose data, requests or secrets."""

import re
from collections.abc import Collection, Iterator
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from app.settings import mail, postgresql, production
from app.settings.redis import read_redis_url

if TYPE_CHECKING:
    from app.settings import Settings

MINIMUM_KEY_BYTES: Final = 32
SHUTDOWN_MARGIN_SECONDS: Final = 4.0
_ORIGIN: Final = re.compile(r"https?://[a-z0-9.-]+(:[0-9]{1,5})?|https?://\[[0-9a-f:]+\](:[0-9]{1,5})?")
_SQLITE: Final = ("sqlite://", "sqlite+aiosqlite://")
_TOKEN: Final = re.compile(r"[!-~]+")


def problems(settings: "Settings", withheld: Collection[str]) -> list[str]:
    """Returns one sentence for each problem, without values, since they may be secrets.

    Settings that are `withheld` from this process may be missing.
    """
    return [
        *_urls(settings),
        *_keys(settings),
        *mail.problems(settings, withheld),
        *_processes(settings, withheld),
        *_outside(settings, withheld),
    ]


def _urls(settings: "Settings") -> Iterator[str]:
    if settings.database_url is not None and not settings.database_url.get_secret_value().startswith(_SQLITE):
        try:
            postgresql.parse(settings.database_url.get_secret_value())
        except ValueError as problem:
            yield f"DATABASE_URL: {problem}"
    if settings.database_application_url is not None:
        yield from _application_url(settings.database_application_url.get_secret_value(), settings)
    if settings.redis_url is not None:
        try:
            read_redis_url(settings.redis_url.get_secret_value())
        except ValueError as problem:
            yield f"REDIS_URL: {problem}"
    addresses = {
        "PROVIDER_URL": settings.provider_url,
        "MAIL_URL": None if settings.mail_by_smtp else settings.mail_url,
        "HTTPS_PROXY": settings.https_proxy.get_secret_value() if settings.https_proxy else None,
        "OTEL_EXPORTER_OTLP_ENDPOINT": settings.otlp_endpoint,
        "SENTRY_DSN": settings.sentry_dsn.get_secret_value() if settings.sentry_dsn else None,
    }
    for name, url in addresses.items():
        if url and not url.startswith(("http://", "https://")):
            yield f"{name}: must start with http:// or https://"
    if settings.ssl_cert_file is not None and not settings.ssl_cert_file.is_file():
        yield "SSL_CERT_FILE: the file does not exist; mount the certificates there, or unset it"
    if not all(origin == "*" or _ORIGIN.fullmatch(origin) for origin in settings.cors_origins):
        yield "CORS_ORIGINS: an origin is a scheme and a host, such as https://shop.example.com, without a path"


def _application_url(url: str, settings: "Settings") -> Iterator[str]:
    name = "DATABASE_APPLICATION_URL"
    if settings.database_url is None or not _on_postgresql(settings):
        yield f"{name}: needs DATABASE_URL (PostgreSQL), of the user who owns the schema"
        return
    try:
        user, owner = (urlsplit(each).username for each in (url, settings.database_url.get_secret_value()))
    except ValueError:
        user = owner = None
    if not url.startswith("postgres") or not user:
        yield f"{name}: must name a user, as postgresql://user:password@host/database"
    elif user == owner:
        yield f"{name}: must name another user than DATABASE_URL"


def _keys(settings: "Settings") -> Iterator[str]:
    for name, secret in (("SECRET_KEY", settings.secret_key), ("ADMIN_TOKEN", settings.admin_token)):
        if secret is not None and len(secret.get_secret_value().encode()) < MINIMUM_KEY_BYTES:
            yield f"{name}: must be {MINIMUM_KEY_BYTES} bytes or more; try: openssl rand -hex 32"
    for name, key in (("PROVIDER_API_KEY", settings.provider_api_key), ("MAIL_API_KEY", settings.mail_api_key)):
        if key is not None and not _TOKEN.fullmatch(key.get_secret_value()):
            yield f"{name}: must be visible ASCII without spaces, since it is sent in an HTTP header"
    if settings.mail_api_key is not None and settings.mail_url is None:
        yield "MAIL_API_KEY: needs MAIL_URL; without it, mail is sent to PROVIDER_URL with PROVIDER_API_KEY"


def _processes(settings: "Settings", withheld: Collection[str]) -> Iterator[str]:
    needed = settings.drain_seconds + settings.shutdown_seconds + SHUTDOWN_MARGIN_SECONDS
    if settings.graceful_timeout_seconds < needed:
        yield (
            f"GRACEFUL_TIMEOUT_SECONDS: must be {needed:g} or more (DRAIN_SECONDS + SHUTDOWN_SECONDS"
            f" + {SHUTDOWN_MARGIN_SECONDS:g}), or requests in flight are lost"
        )
    seconds, slowest = max(
        (settings.provider_timeout_seconds, "PROVIDER_TIMEOUT_SECONDS"),
        (settings.mail_timeout_seconds, "MAIL_TIMEOUT_SECONDS"),
    )
    if settings.claim_seconds <= seconds:
        yield f"CLAIM_SECONDS: must be above {slowest}, or two workers run the same job at once"
    if settings.job_seconds <= seconds:
        yield f"JOB_SECONDS: must be above {slowest}, or every attempt times out"
    alone = settings.redis_url is None or not _on_postgresql(settings)
    if settings.web_concurrency > 1 and alone and "redis_url" not in withheld:
        yield (
            "WEB_CONCURRENCY: more than one process needs DATABASE_URL (PostgreSQL) and REDIS_URL;"
            " embedded jobs must run in a single process"
        )
    if settings.redis_url is not None and not _on_postgresql(settings):
        yield "REDIS_URL: needs DATABASE_URL (PostgreSQL) as well, since workers are other processes"


def _on_postgresql(settings: "Settings") -> bool:
    return settings.database_url is not None and settings.database_url.get_secret_value().startswith("postgres")


def _outside(settings: "Settings", withheld: Collection[str]) -> Iterator[str]:
    if settings.environment == "local":
        return
    for name in ("database_url", "redis_url", "secret_key"):
        if getattr(settings, name) is None and name not in withheld:
            yield f"{name.upper()}: must be set when ENVIRONMENT is {settings.environment}"
    if settings.environment == "production":
        yield from production.problems(settings)
