"""Requires exactly one valid Host header that names this service."""

import re
from collections.abc import Sequence
from http import HTTPStatus
from ipaddress import IPv6Address
from typing import Final

from starlette.types import Scope

from app.api.edge.guards import Fields, Refusal

# Paths that kubelets and monitors request by IP address. They are exempt from rate limits as well.
OPERATIONS: Final = frozenset({"/livez", "/readyz", "/startupz", "/version"})
_UNKNOWN: Final = Refusal(
    HTTPStatus.BAD_REQUEST,
    "unknown_host",
    "The request must have exactly one Host header, with a host of this service.",
)
_INVALID: Final = Refusal(
    HTTPStatus.BAD_REQUEST,
    "invalid_host",
    "The Host must be a host name or an IP address, optionally with a port from 1 to 65535.",
)
# DNS names and IP addresses: the hosts of RFC 3986 that a Host header needs (RFC 9110, 7.2).
_HOST: Final = re.compile(rb"(\[[0-9A-Fa-f:.]{2,45}\]|[A-Za-z0-9._-]{1,255})(?::([0-9]{0,5}))?")
_LAST_PORT: Final = 65535


class Hosts:
    """Refuses requests for other hosts. `allowed` holds names, `*.example.com` for subdomains, or `*`."""

    def __init__(self, allowed: Sequence[str]) -> None:
        self._any = "*" in allowed
        self._exact = {host.casefold() for host in allowed}
        self._suffixes = tuple(host[1:].casefold() for host in allowed if host.startswith("*."))

    def __call__(self, scope: Scope, fields: Fields) -> Refusal | None:
        if scope["path"] in OPERATIONS:
            return None
        host = fields.get(b"host")
        several = len(fields) < len(scope["headers"]) and [name for name, _ in scope["headers"]].count(b"host") > 1
        if host is None or several:
            return _UNKNOWN
        name = _name(host)
        if name is None:
            return _INVALID
        return None if self._any or name in self._exact or name.endswith(self._suffixes) else _UNKNOWN


def _name(host: bytes) -> str | None:
    """Returns the host without its port, in lower case; None when it is not valid."""
    parts = _HOST.fullmatch(host)
    if parts is None or (parts[2] and not 1 <= int(parts[2]) <= _LAST_PORT):
        return None
    name = parts[1].decode("ascii").lower()
    if name.startswith("["):
        try:
            IPv6Address(name[1:-1])
        except ValueError:
            return None
    return name
