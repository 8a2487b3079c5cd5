"""Verifies passwords under the login limits: at a login, and wherever the current password is required.

So a stolen access token does not help to guess the password: each wrong one is counted, limited and logged.
"""

from typing import Literal

import structlog

from app.accounts.login_limits import Attempt, LoginLimits
from app.accounts.models import Account
from app.accounts.passwords import Passwords

Purpose = Literal["login", "email_change", "password_change", "deletion"]


class Verification:
    """Verifies the passwords of accounts."""

    def __init__(self, passwords: Passwords, limits: LoginLimits) -> None:
        self._passwords = passwords
        self._limits = limits

    async def fits(self, purpose: Purpose, attempt: Attempt, password: str, account: Account | None) -> bool:
        """Tests a password; unknown and inactive accounts take the same time.

        Callers check the limits before they read the account. They are checked again once a slot is free, since other
        callers may have failed meanwhile. Raises TooManyRequestsError and HashingBusyError.
        """
        stored = account.password_hash if account is not None and account.is_active else None
        async with self._passwords.slot() as slot:
            await self._limits.check(attempt)
            fits = await slot.verify(password, stored)
            if not fits:
                await self._limits.failed(attempt)
        if not fits:
            account_id = account.id if account is not None else None
            structlog.get_logger().warning("wrong_password", account_id=account_id, purpose=purpose)
        return fits
