"""What one does with one's own account, and what others see of it."""

from uuid import UUID

import structlog

from app.accounts import refresh, repository
from app.accounts.access import Access
from app.accounts.login_limits import Attempt, LoginLimits
from app.accounts.models import Account
from app.accounts.passwords import Passwords
from app.accounts.permissions import Permission, allows
from app.accounts.profile_schemas import PasswordChange, ProfileChange, PublicView
from app.accounts.schemas import AccountView
from app.accounts.service import AccountTakenError
from app.accounts.tokens import Identity
from app.errors import ConflictError, InvalidError, NotFoundError
from app.folding import fold
from app.infra.database import Database


class AccountNotFoundError(NotFoundError):
    code = "account_not_found"


class WrongPasswordError(InvalidError):
    code = "wrong_password"


class Profiles:
    """One's own account, and a look at others'."""

    def __init__(self, database: Database, passwords: Passwords, access: Access, limits: LoginLimits) -> None:
        self._database = database
        self._limits = limits
        self._passwords = passwords
        self._access = access

    async def see(self, caller: Identity, account_id: UUID) -> AccountView | PublicView:
        """The private view for oneself and for who may read all, else the public one. Raises AccountNotFoundError."""
        account = await self._get(account_id)
        if caller.account_id == account_id or allows(caller.role, Permission.USERS_READ):
            return AccountView.model_validate(account)
        if not account.is_active:
            raise _not_found()
        return PublicView.model_validate(account)

    async def own(self, account_id: UUID) -> AccountView:
        return AccountView.model_validate(await self._get(account_id))

    async def change(self, account_id: UUID, change: ProfileChange) -> AccountView:
        """Raises AccountTakenError when the new e-mail address is somebody else's."""
        values = change.model_dump(exclude_unset=True)
        if "email" in values:
            values["email_key"] = fold(values["email"])
        if not values:
            return await self.own(account_id)
        async with self._database.write() as session:
            changed = await repository.change_profile(session, account_id, values)
        if changed == repository.TAKEN:
            raise AccountTakenError("This e-mail address is taken; choose another.")
        if changed is None:
            raise _not_found()
        return AccountView.model_validate(changed)

    async def change_password(self, account_id: UUID, change: PasswordChange, address: str) -> None:
        """Ends every login of the account, this one too.

        Raises WrongPasswordError when the old one does not fit. That counts as a failed login: who took a token can't
        guess the password with it. Raises TooManyRequestsError after too many.
        """
        account = await self._get(account_id)
        stored, attempt = account.password_hash, Attempt.of(account.username, address)
        async with self._passwords.turn() as verify:
            await self._limits.check(attempt)
            fits = await verify(change.current_password.get_secret_value(), stored)
            if not fits:
                await self._limits.failed(attempt)
        if not fits:
            raise WrongPasswordError("current_password is not the password of this account.")
        made = await self._passwords.hash(change.password.get_secret_value())
        async with self._database.write() as session:
            if not await repository.replace_password(session, account_id, stored, made):
                raise ConflictError("The password was changed by another request at the same time.")
            await refresh.end_all(session, account_id)
        structlog.get_logger().info("password_changed", account_id=account_id)
        self._access.forget(account_id)

    async def _get(self, account_id: UUID) -> Account:
        async with self._database.read() as session:
            account = await repository.get(session, account_id)
        if account is None:
            raise _not_found()
        return account


def _not_found() -> AccountNotFoundError:
    return AccountNotFoundError("There is no such account.")
