"""Addresses in settings: listen addresses, and comma-separated lists of hosts, networks or origins."""

from contextlib import suppress
from ipaddress import ip_address
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, StringConstraints


def _without_brackets(host: str) -> str:
    """Removes the brackets of an IPv6 address. Raises ValueError for text that is neither an address nor a name."""
    if host.startswith("[") and host.endswith("]"):
        host = host[1:-1]
    if ":" in host:
        try:
            return str(ip_address(host))
        except ValueError:
            raise ValueError("must be an IP address or a host name, without a port") from None
    return host


ListenAddress = Annotated[
    str,
    StringConstraints(min_length=1, max_length=253, pattern=r"^[\[\]A-Za-z0-9.:_%-]+$"),
    AfterValidator(_without_brackets),
]


def _split(value: Any) -> Any:
    return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value


CommaSeparated = BeforeValidator(_split)


def local_url(host: str, port: int) -> str:
    """Returns the URL at which a client on this machine reaches a server that listens on `host`."""
    with suppress(ValueError):  # a name
        if ip_address(host).is_unspecified:  # means all addresses, and is not an address to connect to
            host = "127.0.0.1"
    return f"http://{f'[{host}]' if ':' in host else host}:{port}"
