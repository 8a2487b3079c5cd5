"""Checks for settings that work in a demo, but are insecure or useless in production."""

from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from app.settings.weak_keys import is_guessable

if TYPE_CHECKING:
    from app.settings import Settings

_LOOPBACK: Final = ("127.0.0.1", "localhost", "::1")


def problems(settings: "Settings") -> list[str]:
    """Returns one sentence for each problem, without values."""
    problems = []
    for name, secret in (("SECRET_KEY", settings.secret_key), ("ADMIN_TOKEN", settings.admin_token)):
        if secret is not None and is_guessable(secret.get_secret_value()):
            problems.append(
                f"{name}: can be guessed: it is published, a placeholder or a pattern; try: openssl rand -hex 32"
            )
    if settings.log_format == "console":
        problems.append("LOG_FORMAT: must be json in production; console does not redact anything")
    if "*" in settings.allowed_hosts:
        problems.append("ALLOWED_HOSTS: must list the hosts of the service in production; * accepts any")
    if any("*" in origin for origin in settings.cors_origins):
        problems.append("CORS_ORIGINS: must list the origins that may call the API in production; * accepts any")
    if _is_stand_in(settings.provider_url):
        problems.append("PROVIDER_URL: the sandbox provider moves no money; production needs the real one")
    if settings.mail_url is not None and _is_stand_in(settings.mail_url):
        problems.append("MAIL_URL: the sandbox sends no mail; production needs a provider that does")
    return problems


def _is_stand_in(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    return "sandbox" in host or host in _LOOPBACK
