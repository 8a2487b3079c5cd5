"""Profiles: one's own account, and the public view of others."""

from dataclasses import KW_ONLY, dataclass
from typing import Protocol
from uuid import UUID

import structlog
from pydantic import SecretStr
from sqlalchemy.exc import IntegrityError

from app.accounts import refresh_tokens, repository
from app.accounts.access_tokens import Identity
from app.accounts.authentication import AccountTakenError
from app.accounts.login_limits import Attempt, LoginLimits, Purpose, RegistrationLimits
from app.accounts.models import Account
from app.accounts.passwords import Passwords
from app.accounts.permissions import Permission, allows
from app.accounts.revocation import Access
from app.accounts.schemas import AccountView
from app.accounts.user_schemas import PasswordChange, ProfileChange, PublicView
from app.accounts.weak_passwords import refuse_own
from app.errors import ConflictError, InvalidError, NotFoundError
from app.infra.database import Database
from app.text.folding import fold


class AccountNotFoundError(NotFoundError):
    code = "account_not_found"


class WrongPasswordError(InvalidError):
    code = "wrong_password"


class WeakPasswordError(InvalidError):
    code = "weak_password"


class Anonymise(Protocol):
    """Anonymises an account in every domain while it is at a token version. Raises ConflictError."""

    async def __call__(self, account_id: UUID, *, token_version: int) -> None: ...


@dataclass(frozen=True, slots=True)
class Profiles:
    """Reads and changes accounts for their owners. Where a stolen token must not be enough, it needs the password."""

    database: Database
    passwords: Passwords
    access: Access
    _: KW_ONLY
    limits: LoginLimits
    registrations: RegistrationLimits
    anonymise: Anonymise

    async def see(self, caller: Identity, account_id: UUID) -> AccountView | PublicView:
        """Returns the account, with private fields for those who may read them. Raises AccountNotFoundError."""
        account = await self._get(account_id)
        if caller.account_id == account_id or allows(caller.role, Permission.USERS_READ):
            return AccountView.model_validate(account)
        if not account.is_active:
            raise _not_found()
        return PublicView.model_validate(account)

    async def own(self, account_id: UUID) -> AccountView:
        return AccountView.model_validate(await self._get(account_id))

    async def change(self, account_id: UUID, change: ProfileChange, address: str) -> AccountView:
        """Changes the profile for a client at `address`; a new e-mail address needs the password.

        Raises WrongPasswordError, AccountTakenError when the e-mail address is taken, and TooManyRequestsError after
        too many failures or changes of e-mail addresses from `address`.
        """
        values = change.model_dump(exclude_unset=True, exclude={"current_password"})
        token_version = None
        if "email" in values:
            await self.registrations.count(address)
            account = await self._confirm("email_change", account_id, change.current_password, address)
            token_version = account.token_version
            values["email_key"] = fold(values["email"])
        if not values:
            return await self.own(account_id)
        try:
            async with self.database.write() as session:
                changed = await repository.change_profile(session, account_id, values, token_version)
        except IntegrityError:
            raise AccountTakenError("This e-mail address is taken; choose another.") from None
        if changed is None:
            raise _not_found() if token_version is None else _changed_meanwhile()
        if "email" in values:
            structlog.get_logger().info("email_changed", account_id=account_id)
        return AccountView.model_validate(changed)

    async def change_password(self, account_id: UUID, change: PasswordChange, address: str) -> None:
        """Changes the password and ends every login of the account.

        Raises WrongPasswordError when the old password is wrong, TooManyRequestsError after too many failures, and
        WeakPasswordError when the new one is derived from the account's name or e-mail address.
        """
        account = await self._confirm("password_change", account_id, change.current_password, address)
        try:
            refuse_own(change.password.get_secret_value(), account.username, account.email)
        except ValueError as weak:
            raise WeakPasswordError(f"password: {weak}") from None
        async with self.passwords.slot() as slot:
            made = await slot.hash(change.password.get_secret_value())
        async with self.database.write() as session:
            if not await repository.replace_password(session, account_id, account.password_hash, made):
                raise _changed_meanwhile()
            await refresh_tokens.end_all(session, account_id)
        structlog.get_logger().info("password_changed", account_id=account_id)
        self.access.invalidate(account_id)

    async def delete(self, account_id: UUID, password: SecretStr, address: str) -> None:
        """Anonymises the account permanently. Raises WrongPasswordError, TooManyRequestsError and LastAdminError."""
        account = await self._confirm("deletion", account_id, password, address)
        await self.anonymise(account_id, token_version=account.token_version)

    async def _confirm(self, purpose: Purpose, account_id: UUID, password: SecretStr, address: str) -> Account:
        """Returns the account if the password is correct. Raises WrongPasswordError and TooManyRequestsError."""
        account = await self._get(account_id)
        attempt = Attempt.of(account.username, address)
        await self.limits.check(attempt)
        current = password.get_secret_value()
        if not await self.limits.verify(self.passwords, purpose, attempt, current, account):
            raise WrongPasswordError("current_password is not the password of this account.")
        return account

    async def _get(self, account_id: UUID) -> Account:
        async with self.database.read() as session:
            account = await repository.get(session, account_id)
        if account is None:
            raise _not_found()
        return account


def _changed_meanwhile() -> ConflictError:
    return ConflictError("The account was changed by another request at the same time; try again.")


def _not_found() -> AccountNotFoundError:
    return AccountNotFoundError("There is no such account.")
