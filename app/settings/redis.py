"""Parses REDIS_URL as hosted Redis provides it, so that all connection pools use the same options."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from app.settings.redis_tls import TLS_PARAMETERS, read_boolean, read_tls

_HOST: Final = "127.0.0.1"
_PORT: Final = 6379
# The last two are those of Valkey's client.
_SCHEMES: Final = {"redis": False, "rediss": True, "valkey": False, "valkeys": True}
# Parameters of other clients, and the error message for each.
_REFUSED: Final = {
    **dict.fromkeys(("ssl", "tls"), "write rediss:// for TLS"),
    **dict.fromkeys(("max_connections", "timeout"), "the service sets the size and the timeouts of its pools itself"),
    **dict.fromkeys(("retry_on_timeout", "retry_on_error"), "the service sets its retries itself"),
    **dict.fromkeys(("decode_responses", "encoding", "encoding_errors"), "the service reads bytes"),
    **dict.fromkeys(("ssl_ca_data", "ssl_ca_path"), "put the certificates into one file and name it with ssl_ca_certs"),
}


@dataclass(frozen=True, slots=True)
class RedisAddress:
    """Address of a Redis server, and connection options in seconds. None leaves the choice to the connection pool."""

    host: str = _HOST
    port: int = _PORT
    db: int = 0
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    protocol: int | None = None
    client_name: str | None = None
    socket_timeout: float | None = None
    socket_connect_timeout: float | None = None
    socket_keepalive: bool | None = None
    health_check_interval: int | None = None
    tls: Mapping[str, Any] | None = field(default=None, repr=False)  # `ssl_…` of redis-py's SSLConnection

    @property
    def location(self) -> str:
        """URL without secrets and parameters."""
        return f"redis://{f'[{self.host}]' if ':' in self.host else self.host}:{self.port}/{self.db}"

    def options(self) -> dict[str, Any]:
        """Returns keyword arguments for redis-py's connections, without TLS and parameters missing in the URL."""
        names = (name for name in self.__slots__ if name != "tls")
        return {name: value for name in names if (value := getattr(self, name)) is not None}


def read_redis_url(url: str) -> RedisAddress:
    """Parses a URL. Raises ValueError, whose message has no values, since they may be secrets."""
    if "," in url.partition("?")[0].rpartition("@")[2]:
        raise ValueError("has several hosts; give the primary, or a load balancer in front of them")
    try:
        parts = urlsplit(url)
        host, port = unquote(parts.hostname or _HOST), parts.port or _PORT
    except ValueError:
        raise ValueError(
            "must have the form redis://username:password@host:port/database; percent-encode / ? # @ : and % in"
            " username and password"
        ) from None
    if parts.scheme not in _SCHEMES:
        raise ValueError("must start with redis:// or rediss://")
    if parts.fragment:
        raise ValueError("must not have a #; write it as %23 in username and password")
    query = _query(parts)
    tls = read_tls({name: query.pop(name) for name in TLS_PARAMETERS if name in query}, wanted=_SCHEMES[parts.scheme])
    options = {name: _READ[name](name, value) for name, value in query.items()}
    for name in ("username", "password"):
        given = getattr(parts, name)
        if given:
            options[name] = unquote(given)
    return RedisAddress(**{"host": host, "port": port, "db": _database(parts), **options}, tls=tls)


def _query(parts: SplitResult) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, value in parse_qsl(parts.query, keep_blank_values=True):
        if name in _REFUSED:
            raise ValueError(f"must not have the parameter {name}: {_REFUSED[name]}")
        if name not in _READ and name not in TLS_PARAMETERS:  # may be part of a password with a ?
            raise ValueError(f"has an unknown parameter; known ones are {', '.join([*_READ, *TLS_PARAMETERS])}")
        if name in found:
            raise ValueError(f"has {name} twice")
        found[name] = value
    return found


def _database(parts: SplitResult) -> int:
    path = unquote(parts.path).strip("/")
    return _whole("the path", path) if path else 0


def _whole(name: str, value: str) -> int:
    if not (value.isascii() and value.isdigit()):
        raise ValueError(f"{name} must be a whole number")
    return int(value)


def _seconds(name: str, value: str) -> float:
    try:
        seconds = float(value)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds < float("inf"):
        raise ValueError(f"{name} must be a number of seconds above 0")
    return seconds


def _protocol(name: str, value: str) -> int:
    if value not in ("2", "3"):
        raise ValueError(f"{name} must be 2 or 3")
    return int(value)


def _text(name: str, value: str) -> str:
    if not value:
        raise ValueError(f"{name} must not be empty")
    return value


def _word(name: str, value: str) -> str:
    if not value.isascii() or not value.isprintable() or " " in value or not value:
        raise ValueError(f"{name} must consist of printable ASCII characters without spaces")
    return value


_READ: Final[Mapping[str, Callable[[str, str], Any]]] = {
    "db": _whole,
    "username": _text,
    "password": _text,
    "protocol": _protocol,
    "client_name": _word,
    "socket_timeout": _seconds,
    "socket_connect_timeout": _seconds,
    "socket_keepalive": read_boolean,
    "health_check_interval": _whole,
}
