"""Parses DATABASE_URL of PostgreSQL with libpq's parameters, as hosted databases provide it.

https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-PARAMKEYWORDS
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import unquote

from app.settings import postgresql_tls

_SCHEMES: Final = ("postgresql", "postgres", "postgresql+asyncpg")
_PORT: Final = 5432
_LARGEST_PORT: Final = 65_535
_PLACE: Final = ("host", "port", "user", "password", "dbname")
_TEXTS: Final = ("application_name", "fallback_application_name", "options", "passfile")
_NUMBERS: Final = ("connect_timeout", "keepalives", "tcp_user_timeout")
_KEEPALIVES: Final = ("keepalives_idle", "keepalives_interval", "keepalives_count")
# Accepted values, which match what the driver does anyway, and the error message for others.
_CHOICES: Final[Mapping[str, tuple[tuple[str, ...], str]]] = {
    "target_session_attrs": (
        ("read-write", "primary", "any"),
        "must be read-write, primary or any: this service writes",
    ),
    "load_balance_hosts": (("disable", "random"), "disable or random"),
    "client_encoding": (("auto", "utf8", "UTF8", "utf-8", "UTF-8"), "the driver supports only UTF-8: leave it out"),
    "gssencmode": (("disable", "prefer"), "the driver does not support GSSAPI encryption: use sslmode"),
    "channel_binding": (
        ("disable", "prefer"),
        "the driver does not support channel binding: leave it out, and set sslmode=verify-full",
    ),
    "sslcompression": (("0",), "leave it out"),
    "sslsni": (("1",), "the driver always sends SNI: leave it out"),
    "sslcertmode": (("allow",), "leave it out"),
}
_KNOWN: Final = {*_PLACE, *_TEXTS, *_NUMBERS, *_KEEPALIVES, *_CHOICES, *postgresql_tls.PARAMETERS, "ssl"}
_UNSUPPORTED: Final = frozenset(
    {"hostaddr", "service", "servicefile", "replication", "requirepeer", "require_auth", "requiressl", "sslcrldir"}
    | {"krbsrvname", "gsslib", "gssdelegation", "min_protocol_version", "max_protocol_version", "sslkeylogfile"}
)
_POOLERS: Final = ("pgbouncer", "statement_cache_size", "prepared_statement_cache_size", "prepareThreshold")
_OWN_TIMEOUTS: Final = ("statement_timeout", "lock_timeout")


@dataclass(frozen=True, slots=True)
class Server:
    """Addresses of PostgreSQL, and connection options. A host that begins with / is the folder of a Unix socket."""

    hosts: tuple[tuple[str, int], ...]
    user: str | None
    password: str | None = field(repr=False)
    database: str | None
    parameters: Mapping[str, str] = field(repr=False)

    def number(self, name: str, default: float) -> float:
        """Returns the value of a numeric parameter."""
        return float(self.parameters.get(name, default))


def parse(url: str) -> Server:
    """Parses a URL. Raises ValueError, whose message has no values, since they may be secrets."""
    scheme, separator, rest = url.partition("://")
    if not separator or scheme not in _SCHEMES:
        raise ValueError("the database is not supported; use postgresql://…")
    address, _, query = rest.partition("?")
    authority, _, database = address.partition("/")
    login, _, hosts = authority.rpartition("@")
    user, colon, password = login.partition(":")
    given = _query(query)
    found = [_host(host) for host in ",".join(given.pop("host", [hosts])).split(",") if host]
    ports = [_port(port) for port in ",".join(given.pop("port", [])).split(",") if port]
    if len(ports) > 1 and len(ports) != len(found):
        raise ValueError("give one port for each host, or one for all")
    if ports:
        found = [(host, ports[number % len(ports)]) for number, (host, _) in enumerate(found)]
    named = {name: values[-1] for name, values in given.items()}
    server = Server(
        tuple((host, port or _PORT) for host, port in found),
        named.pop("user", unquote(user)) or None,
        named.pop("password", unquote(password) if colon else "") or None,
        named.pop("dbname", unquote(database)) or None,
        named,
    )
    _check(named)
    return server


def _query(query: str) -> dict[str, list[str]]:
    """Returns the values of each parameter, in order. Unlike in forms, a plus sign is not a space."""
    given: dict[str, list[str]] = {}
    for number, pair in enumerate((pair for pair in query.split("&") if pair), 1):
        name, equals, value = pair.partition("=")
        if not equals or name not in _KNOWN:
            if name in _UNSUPPORTED:
                raise ValueError(f"{name} is not supported; leave it out")
            if name in _POOLERS:
                raise ValueError(f"{name} is not a libpq parameter: behind a pooler, set DATABASE_POOLER=transaction")
            raise ValueError(
                f"parameter {number} is not a libpq parameter; in user and password, write % as %25, / as %2F,"
                " ? as %3F, @ as %40, : as %3A and & as %26"
            )
        given.setdefault(name, []).append(unquote(value))
    mode = given.pop("ssl", None)  # the parameter of JDBC, which libpq accepts, and of asyncpg
    if mode is not None:
        given["sslmode"] = ["require" if mode[-1] in ("true", "1") else mode[-1]]
    return given


def _host(text: str) -> tuple[str, int | None]:
    text = unquote(text)
    if text.startswith("/"):
        return text, None
    if text.startswith("["):
        host, closed, port = text[1:].partition("]")
        if not closed or port[:1] not in ("", ":"):
            raise ValueError("a host in brackets must be an IPv6 address, such as [2001:db8::1]:5432")
        return host, _port(port[1:]) if port[1:] else None
    host, _, port = text.partition(":")
    return host, _port(port) if port else None


def _port(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and 0 < int(text) <= _LARGEST_PORT):
        raise ValueError(
            f"a port must be a number from 1 to {_LARGEST_PORT}; in user and password, write / as %2F, ? as %3F,"
            " @ as %40 and : as %3A"
        )
    return int(text)


def _check(named: Mapping[str, str]) -> None:
    for name in (*_NUMBERS, *_KEEPALIVES):
        value = named.get(name, "1")
        if not (value.isascii() and value.isdecimal()):
            raise ValueError(f"{name} must be a whole number")
        if name in _KEEPALIVES and int(value) == 0:
            raise ValueError(f"{name} must be 1 or more; leave it out for the default")
    for name, (choices, sentence) in _CHOICES.items():
        if name in named and named[name] not in choices:
            raise ValueError(f"{name}: {sentence}")
    for name in _OWN_TIMEOUTS:
        if name in named.get("options", ""):
            raise ValueError(f"options: set {name} with DATABASE_STATEMENT_TIMEOUT_SECONDS instead")
    postgresql_tls.check(named)
