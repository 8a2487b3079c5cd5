"""The addresses of the clients that a load stands for."""

from ipaddress import IPv4Network
from typing import Final

# Reserved for tests of network devices (RFC 2544): no real client has one.
NETWORK: Final = IPv4Network("198.18.0.0/15")
ADDRESSES: Final = NETWORK.num_addresses


def headers(number: int, clients: int) -> dict[str, str]:
    """What the request of a client's number carries; nothing when the load stands for nobody but itself."""
    return {"X-Forwarded-For": str(NETWORK[number % clients])} if clients else {}
