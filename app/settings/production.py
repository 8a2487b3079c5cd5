"""Checks for settings that work in a demo, but are insecure or useless in production."""

from collections.abc import Iterator
from itertools import pairwise
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from app.settings import Settings

_LOOPBACK: Final = ("127.0.0.1", "localhost", "::1")
# Compared without case and separators. A random key practically never contains one of these words.
_PLACEHOLDERS: Final = (
    "changeme", "changeit", "secret", "example", "placeholder", "password", "default", "replaceme", "yourkey",
    "insecure", "binnacle", "development",
)  # fmt: skip
_SEPARATORS: Final = str.maketrans("", "", "-_ .<>{}$")
# Example keys that readers copy from tutorials: FastAPI's page on OAuth2 with JWT.
_PUBLISHED: Final = frozenset({"09d25e094faa6ca2556c818166b7a9563b93f7099f6f0f4caa6cf63b88e8d3e7"})
# Nearly all of the 31 pairs of neighbours in 32 random hexadecimal digits differ. The probability of fewer than 20
# distinct pairs, or fewer than 8 distinct differences between neighbours, is below one in a million.
_FEWEST_PAIRS: Final = 20
_FEWEST_STEPS: Final = 8


def problems(settings: "Settings") -> Iterator[str]:
    """Yields one sentence for each problem, without values."""
    for name, secret in (("SECRET_KEY", settings.secret_key), ("ADMIN_TOKEN", settings.admin_token)):
        if secret is not None and is_guessable(secret.get_secret_value()):
            yield f"{name}: can be guessed: it is published, a placeholder or a pattern; try: openssl rand -hex 32"
    if settings.log_format == "console":
        yield "LOG_FORMAT: must be json in production; console does not redact anything"
    if "*" in settings.allowed_hosts:
        yield "ALLOWED_HOSTS: must list the hosts of the service in production; * accepts any"
    if any("*" in origin for origin in settings.cors_origins):
        yield "CORS_ORIGINS: must list the origins that may call the API in production; * accepts any"
    if _is_stand_in(settings.provider_url):
        yield "PROVIDER_URL: the sandbox provider moves no money; production needs the real one"
    if settings.mail_url is not None and _is_stand_in(settings.mail_url):
        yield "MAIL_URL: the sandbox sends no mail; production needs a provider that does"


def is_guessable(key: str) -> bool:
    """Tests whether a key of 32 characters or more is published, a placeholder or a pattern."""
    plain = key.casefold().translate(_SEPARATORS)
    if plain in _PUBLISHED or any(word in plain for word in _PLACEHOLDERS):
        return True
    pairs = list(pairwise(key))
    steps = {ord(second) - ord(first) for first, second in pairs}
    return len(set(pairs)) < _FEWEST_PAIRS or len(steps) < _FEWEST_STEPS


def _is_stand_in(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    return "sandbox" in host or host in _LOOPBACK
