"""Checks valid settings for values and combinations that would lose data, requests or secrets."""

import re
from collections.abc import Collection
from typing import TYPE_CHECKING, Final

from app.settings import database_urls, mail, production
from app.settings.redis import read_redis_url

if TYPE_CHECKING:
    from app.settings import Settings

MINIMUM_KEY_BYTES: Final = 32
SHUTDOWN_MARGIN_SECONDS: Final = 4.0
_ORIGIN: Final = re.compile(r"https?://[a-z0-9.-]+(:[0-9]{1,5})?|https?://\[[0-9a-f:]+\](:[0-9]{1,5})?")
_TOKEN: Final = re.compile(r"[!-~]+")


def problems(settings: "Settings", withheld: Collection[str] = ()) -> list[str]:
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


def _urls(settings: "Settings") -> list[str]:
    problems = database_urls.problems(settings)
    if settings.redis_url is not None:
        try:
            read_redis_url(settings.redis_url.get_secret_value())
        except ValueError as problem:
            problems.append(f"REDIS_URL: {problem}")
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
        problems.append("SSL_CERT_FILE: the file does not exist; mount the certificates there, or unset it")
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
            problems.append(f"{name}: must be visible ASCII without spaces, since it is sent in an HTTP header")
    if settings.mail_api_key is not None and settings.mail_url is None:
        problems.append("MAIL_API_KEY: needs MAIL_URL; without it, mail is sent to PROVIDER_URL with PROVIDER_API_KEY")
    return problems


def _processes(settings: "Settings", withheld: Collection[str]) -> list[str]:
    problems = []
    needed = settings.drain_seconds + settings.shutdown_seconds + SHUTDOWN_MARGIN_SECONDS
    if settings.graceful_timeout_seconds < needed:
        problems.append(
            f"GRACEFUL_TIMEOUT_SECONDS: must be {needed:g} or more (DRAIN_SECONDS + SHUTDOWN_SECONDS"
            f" + {SHUTDOWN_MARGIN_SECONDS:g}), or requests in flight are lost"
        )
    slowest, seconds = max(
        ("PROVIDER_TIMEOUT_SECONDS", settings.provider_timeout_seconds),
        ("MAIL_TIMEOUT_SECONDS", settings.mail_timeout_seconds),
        key=lambda named: named[1],
    )
    if settings.claim_seconds <= seconds:
        problems.append(f"CLAIM_SECONDS: must be above {slowest}, or two workers run the same job at once")
    if settings.job_seconds <= seconds:
        problems.append(f"JOB_SECONDS: must be above {slowest}, or every attempt times out")
    alone = settings.redis_url is None or not database_urls.on_postgresql(settings)
    if settings.web_concurrency > 1 and alone and "redis_url" not in withheld:
        problems.append(
            "WEB_CONCURRENCY: more than one process needs DATABASE_URL (PostgreSQL) and REDIS_URL;"
            " embedded jobs must run in a single process"
        )
    if settings.redis_url is not None and not database_urls.on_postgresql(settings):
        problems.append("REDIS_URL: needs DATABASE_URL (PostgreSQL) as well, since workers are other processes")
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


def _is_origin(origin: str) -> bool:
    return origin == "*" or _ORIGIN.fullmatch(origin) is not None
