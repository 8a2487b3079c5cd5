"""Limits how often one client may register accounts and change e-mail addresses, with one count for both.

Both cost a password hash and tell whether an e-mail address has an account: docs/decisions/0009-login-limits.md
"""

from app.accounts.login_limits import network
from app.errors import TooManyRequestsError
from app.infra.rate_limit.limits import Limits, window
from app.settings import Settings
from app.telemetry.metrics import LimitMetrics


class RegistrationLimits:
    """Counts attempts, whatever becomes of them; REGISTRATIONS_PER_ADDRESS of 0 counts nothing."""

    def __init__(self, limits: Limits, settings: Settings, metrics: LimitMetrics) -> None:
        self._limits = limits
        self._metrics = metrics
        amount = settings.registrations_per_address
        self._window = window("registrations", amount, settings.registration_seconds) if amount else None

    async def count(self, address: str) -> None:
        """Counts an attempt from a client address. Raises TooManyRequestsError when there were too many."""
        if self._window is None:
            return
        seconds = await self._limits.take(self._window, network(address))
        self._metrics.decisions.labels("registration", "refused" if seconds else "allowed").inc()
        if seconds:
            raise TooManyRequestsError(
                f"Too many registrations and e-mail changes from your address; try again in {seconds} s.",
                retry_after=seconds,
            )
