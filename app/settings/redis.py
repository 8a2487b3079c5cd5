"""REDIS_URL as hosted Redis hands it out, read once, so that every pool of the service connects in the same way."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from app.settings.redis_tls import TLS_PARAMETERS, read_boolean, read_tls

_HOST: Final = "127.0.0.1"
_PORT: Final = 6379
# Valkey's own client writes the last two.
_SCHEMES: Final = {"redis": False, "rediss": True, "valkey": False, "valkeys": True}
# Parameters of other clients, and what to do instead.
_REFUSED: Final = {
    **dict.fromkeys(("ssl", "tls"), "write rediss:// for TLS"),
    **dict.fromkeys(("max_connections", "timeout"), "the pools' sizes and waits are the service's own"),
    **dict.fromkeys(("retry_on_timeout", "retry_on_error"), "the service has its own rules for repeating a command"),
    **dict.fromkeys(("decode_responses", "encoding", "encoding_errors"), "the service reads bytes"),
    **dict.fromkeys(("ssl_ca_data", "ssl_ca_path"), "put the certificates into one file and name it with ssl_ca_certs"),
}


@dataclass(frozen=True, slots=True)
class RedisAddress:
    """One server and how to connect to it. `None` leaves a choice to the use of Redis that connects; seconds."""

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
        """A URL without secrets and parameters."""
        return f"redis://{f'[{self.host}]' if ':' in self.host else self.host}:{self.port}/{self.db}"

    def options(self) -> dict[str, Any]:
        """Returns keyword arguments of redis-py's connections, TLS excepted; what the URL leaves out is missing."""
        names = (name for name in self.__slots__ if name != "tls")
        return {name: value for name in names if (value := getattr(self, name)) is not None}


def read_redis_url(url: str) -> RedisAddress:
    """Reads a URL. Raises ValueError with a sentence that repeats nothing of it but names of known parameters."""
    if "," in url.partition("?")[0].rpartition("@")[2]:
        raise ValueError("names several hosts; name the one that takes writes, or the load balancer before them")
    try:
        parts = urlsplit(url)
        host, port = unquote(parts.hostname or _HOST), parts.port or _PORT
    except ValueError:
        raise ValueError(
            "can't be read as redis://username:password@host:port/database; percent-encode / ? # @ : and % in a"
            " username and a password"
        ) from None
    if parts.scheme not in _SCHEMES:
        raise ValueError("must start with redis:// or rediss://")
    if parts.fragment:
        raise ValueError("has a #; write %23 for one in a username or a password")
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
            raise ValueError(f"does not take {name}: {_REFUSED[name]}")
        if name not in _READ and name not in TLS_PARAMETERS:  # not repeated: a ? in a password begins a query, too
            raise ValueError(f"has a parameter that is not known; known are {', '.join([*_READ, *TLS_PARAMETERS])}")
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
        raise ValueError(f"{name} must be letters, digits and signs without a space")
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
