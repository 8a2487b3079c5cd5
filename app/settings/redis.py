"""Parses REDIS_URL as hosted Redis provides it, so that all connection pools use the same options.

Certificates are verified unless the URL disables that.
"""

import re
import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

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
    options = {name: _read(name, _PARAMETERS[name], value) for name, value in _query(parts).items()}
    tls = {name: options.pop(name) for name in _TLS if name in options}
    for name in ("username", "password"):
        given = getattr(parts, name)
        if given:
            options[name] = unquote(given)
    path = unquote(parts.path).strip("/")
    place: dict[str, Any] = {"host": host, "port": port, "db": _read("the path", _WHOLE, path) if path else 0}
    return RedisAddress(**place | options, tls=_check_tls(tls, wanted=_SCHEMES[parts.scheme]))


def _query(parts: SplitResult) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, value in parse_qsl(parts.query, keep_blank_values=True):
        if name in _REFUSED:
            raise ValueError(f"must not have the parameter {name}: {_REFUSED[name]}")
        if name not in _PARAMETERS:  # may be part of a password with a ?
            raise ValueError(f"has an unknown parameter; known ones are {', '.join(_PARAMETERS)}")
        if name in found:
            raise ValueError(f"has {name} twice")
        found[name] = value
    return found


def _read(name: str, rule: "_Rule", value: str) -> Any:
    pattern, convert, sentence = rule
    try:
        if re.fullmatch(pattern, value, re.ASCII | re.DOTALL | re.IGNORECASE):
            return convert(value)
    except ValueError:
        pass
    raise ValueError(f"{name} {sentence}")


def _seconds(value: str) -> float:
    if not 0 < (seconds := float(value)) < float("inf"):
        raise ValueError("not a duration")
    return seconds


def _check_tls(parameters: Mapping[str, Any], *, wanted: bool) -> dict[str, Any] | None:
    """Returns keyword arguments for redis-py's SSLConnection; None without TLS.

    Raises ValueError, whose message has no values, also for files that can't be loaded.
    """
    if not wanted:
        if parameters:
            raise ValueError(f"has {', '.join(parameters)}, which need rediss://")
        return None
    if ("ssl_certfile" in parameters) != ("ssl_keyfile" in parameters):
        raise ValueError("needs both or neither of ssl_certfile and ssl_keyfile")
    # Loads the files as a connection does, so that a wrong file fails at startup instead of at each command.
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    if "ssl_ca_certs" in parameters:
        try:
            context.load_verify_locations(parameters["ssl_ca_certs"])
        except (OSError, ValueError) as error:
            raise ValueError(f"the certificates of ssl_ca_certs can't be read: {_reason(error)}") from None
    if "ssl_certfile" in parameters:
        # Without a password argument, OpenSSL would prompt on the terminal.
        files = (parameters["ssl_certfile"], parameters["ssl_keyfile"], parameters.get("ssl_password", ""))
        try:
            context.load_cert_chain(*files)
        except (OSError, ValueError) as error:
            raise ValueError(
                f"the certificate of ssl_certfile and the key of ssl_keyfile can't be used: {_reason(error)}"
            ) from None
    return {"ssl_cert_reqs": "required", **parameters}


def _reason(error: Exception) -> str:
    if isinstance(error, ssl.SSLError):
        return error.reason or "not in PEM format, or a wrong ssl_password"
    return getattr(error, "strerror", None) or "not a path"


_Rule = tuple[str, Callable[[str], Any], str]  # pattern of a value, its conversion, and the message for other values
_WHOLE: Final = ("[0-9]+", int, "must be a whole number")
_DURATION: Final = (".+", _seconds, "must be a number of seconds above 0")
_TEXT: Final = (".+", str, "must not be empty")
_BOOLEAN: Final = (
    "1|true|yes|0|false|no",
    lambda value: value.lower() in ("1", "true", "yes"),
    "must be true or false",
)
_TLS: Final[Mapping[str, _Rule]] = {
    # The spelling of redis-py (`required`), and that of Python's ssl, Celery and Heroku (`CERT_REQUIRED`).
    "ssl_cert_reqs": (
        "(cert_)?(required|optional|none)",
        lambda value: value.lower().removeprefix("cert_"),
        "must be required, optional or none",
    ),
    **dict.fromkeys(("ssl_ca_certs", "ssl_certfile", "ssl_keyfile", "ssl_password"), (".*", str, "")),
    "ssl_check_hostname": _BOOLEAN,
}
_PARAMETERS: Final[Mapping[str, _Rule]] = {
    "db": _WHOLE,
    "username": _TEXT,
    "password": _TEXT,
    "protocol": ("[23]", int, "must be 2 or 3"),
    "client_name": ("[!-~]+", str, "must consist of printable ASCII characters without spaces"),
    "socket_timeout": _DURATION,
    "socket_connect_timeout": _DURATION,
    "socket_keepalive": _BOOLEAN,
    "health_check_interval": _WHOLE,
    **_TLS,
}
