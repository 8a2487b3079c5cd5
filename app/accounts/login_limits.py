"""How often one may fail to log in, in a way that locks nobody out.

Failures are counted for an account from an address, and for an address whatever the account. Never for an account
alone: then a stranger could keep its owner out by failing on purpose. Who has logged in to an account from an address
before is held to the first count alone, so that a stranger in the same office can't use up the address for the others.
Logins that succeed are never counted, and sessions that were begun go on with their refresh tokens.
docs/decisions/0009-login-limits.md tells what that leaves open.
"""

import hashlib
from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address, ip_network
from typing import Final, Self

from app.errors import TooManyRequestsError
from app.infra.rate_limit.limits import Limits, window
from app.settings import Settings
from app.telemetry.metrics import LimitMetrics
from app.text.folding import fold

KNOWN_SECONDS: Final = 30 * 86400


@dataclass(frozen=True, slots=True)
class Attempt:
    """Who is tried, and from where. The name is hashed: the counters may lie where many can read."""

    name: str
    network: str

    @classmethod
    def of(cls, username: str, address: str) -> Self:
        name = hashlib.sha256(fold(username).encode("utf-8", "replace")).hexdigest()[:32]
        return cls(name, network(address))


class LoginLimits:
    """Counts failures and refuses more of them. An unknown name is counted like any other."""

    def __init__(self, limits: Limits, settings: Settings, metrics: LimitMetrics) -> None:
        self._limits = limits
        self._metrics = metrics
        seconds = settings.login_failure_seconds
        self._pair = window("login-account", settings.login_failures, seconds)
        self._address = window("login-address", settings.login_failures_per_address, seconds)
        self._known = window("login-known", 1, KNOWN_SECONDS)

    async def check(self, attempt: Attempt) -> None:
        """Raises TooManyRequestsError when there were too many failures."""
        seconds = await self._limits.wait(self._pair, attempt.name, attempt.network)
        if not seconds:
            seconds = await self._limits.wait(self._address, attempt.network)
            if seconds and await self._limits.wait(self._known, attempt.name, attempt.network):
                seconds = 0
        self._metrics.decisions.labels("login", "refused" if seconds else "allowed").inc()
        if seconds:
            raise TooManyRequestsError(
                f"Too many failed logins from your address; try again in {seconds} s.", retry_after=seconds
            )

    async def failed(self, attempt: Attempt) -> None:
        await self._limits.count(self._pair, attempt.name, attempt.network)
        await self._limits.count(self._address, attempt.network)

    async def succeeded(self, attempt: Attempt) -> None:
        """Forgives the failures of this account from this address, not those of the address."""
        await self._limits.clear(self._pair, attempt.name, attempt.network)
        await self._limits.count(self._known, attempt.name, attempt.network)


def network(address: str) -> str:
    """What counts as one address: an IPv4 address, or the /64 that one IPv6 subscriber has."""
    try:
        parsed = ip_address(address.partition("%")[0])
    except ValueError:
        return "unknown"
    if isinstance(parsed, IPv6Address):
        if parsed.ipv4_mapped is None:
            return str(ip_network((parsed, 64), strict=False))
        parsed = parsed.ipv4_mapped
    return str(parsed)
