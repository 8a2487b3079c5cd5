"""Addresses of simulated clients."""

from ipaddress import IPv4Network
from typing import Final

# Reserved for benchmarks of network devices (RFC 2544), so that no real client has one of these addresses.
NETWORK: Final = IPv4Network("198.18.0.0/15")
ADDRESSES: Final = NETWORK.num_addresses


def headers(number: int, clients: int) -> dict[str, str]:
    """Returns the X-Forwarded-For header of a simulated client; empty if `clients` is 0."""
    return {"X-Forwarded-For": str(NETWORK[number % clients])} if clients else {}
