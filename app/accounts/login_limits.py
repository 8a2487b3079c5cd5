"""Limits failed logins without locking anybody out, and registrations.

Failures count for an account from an address, and for an address over all accounts. They never count for an account
alone: a stranger could lock its owner out by failing on purpose. An address that has logged in to an account before is
held to the first limit alone, so that a stranger in the same office can't exhaust the second for everybody. Successful
logins never count, and sessions continue with their refresh tokens. docs/decisions/0009-login-limits.md describes the
remaining risks.
"""

import hashlib
from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address, ip_network
from typing import Final, Literal, Self

import structlog

from app.accounts.models import Account
from app.accounts.passwords import Passwords
from app.errors import TooManyRequestsError
from app.infra.rate_limit.fixed_windows import Limits, window
from app.settings import Settings
from app.telemetry.metrics import LimitMetrics
from app.text.folding import fold

KNOWN_SECONDS: Final = 30 * 86400
Purpose = Literal["login", "email_change", "password_change", "deletion"]


@dataclass(frozen=True, slots=True)
class Attempt:
    """An account name and a client network. The name is hashed, since others may read the counters."""

    name: str
    network: str

    @classmethod
    def of(cls, username: str, address: str) -> Self:
        name = hashlib.sha256(fold(username).encode("utf-8", "replace")).hexdigest()[:32]
        return cls(name, network(address))


class LoginLimits:
    """Verifies passwords; counts and limits failures. An unknown name counts like any other."""

    def __init__(self, limits: Limits, settings: Settings, metrics: LimitMetrics) -> None:
        self._limits = limits
        self._metrics = metrics
        seconds = settings.login_failure_seconds
        self._pair = window("login-account", settings.login_failures, seconds)
        self._address = window("login-address", settings.login_failures_per_address, seconds)
        self._known = window("login-known", 1, KNOWN_SECONDS)

    async def check(self, attempt: Attempt) -> None:
        """Raises TooManyRequestsError after too many failures."""
        seconds = await self._limits.wait(self._pair, attempt.name, attempt.network)
        if not seconds:
            seconds = await self._limits.wait(self._address, attempt.network)
            if seconds and await self._limits.wait(self._known, attempt.name, attempt.network):
                seconds = 0
        _decide(self._metrics, "login", "failed logins", seconds)

    async def verify(
        self, passwords: Passwords, purpose: Purpose, attempt: Attempt, password: str, account: Account | None
    ) -> bool:
        """Tests a password, at a login and wherever the current one is required: so none can be guessed anywhere.

        Unknown and inactive accounts take the same time. Callers check the limits before they read the account; they
        are checked again once a slot is free, since other callers may have failed meanwhile. Raises
        TooManyRequestsError and HashingBusyError.
        """
        stored = account.password_hash if account is not None and account.is_active else None
        async with passwords.slot() as slot:
            await self.check(attempt)
            fits = await slot.verify(password, stored)
            if not fits:
                await self._limits.count(self._pair, attempt.name, attempt.network)
                await self._limits.count(self._address, attempt.network)
        if not fits:
            account_id = account.id if account is not None else None
            structlog.get_logger().warning("wrong_password", account_id=account_id, purpose=purpose)
        return fits

    async def succeeded(self, attempt: Attempt) -> None:
        """Resets the failures of this account from this address, not those of the address."""
        await self._limits.clear(self._pair, attempt.name, attempt.network)
        await self._limits.count(self._known, attempt.name, attempt.network)


class RegistrationLimits:
    """Limits how often one client may register accounts and change e-mail addresses, with one count for both.

    Both cost a password hash and tell whether an e-mail address has an account. Attempts count, whatever becomes of
    them; REGISTRATIONS_PER_ADDRESS of 0 counts nothing.
    """

    def __init__(self, limits: Limits, settings: Settings, metrics: LimitMetrics) -> None:
        self._limits = limits
        self._metrics = metrics
        amount = settings.registrations_per_address
        self._window = window("registrations", amount, settings.registration_seconds) if amount else None

    async def count(self, address: str) -> None:
        """Counts an attempt from a client address. Raises TooManyRequestsError when there were too many."""
        if self._window is not None:
            seconds = await self._limits.take(self._window, network(address))
            _decide(self._metrics, "registration", "registrations and e-mail changes", seconds)


def _decide(metrics: LimitMetrics, limiter: str, attempts: str, seconds: int) -> None:
    """Counts a decision. Raises TooManyRequestsError when there are seconds to wait."""
    metrics.decisions.labels(limiter, "refused" if seconds else "allowed").inc()
    if seconds:
        raise TooManyRequestsError(
            f"Too many {attempts} from your address; try again in {seconds} s.", retry_after=seconds
        )


def network(address: str) -> str:
    """Returns the unit that limits count: an IPv4 address, or the /64 of an IPv6 subscriber."""
    try:
        parsed = ip_address(address.partition("%")[0])
    except ValueError:
        return "unknown"
    if isinstance(parsed, IPv6Address):
        if parsed.ipv4_mapped is None:
            return str(ip_network((parsed, 64), strict=False))
        parsed = parsed.ipv4_mapped
    return str(parsed)
