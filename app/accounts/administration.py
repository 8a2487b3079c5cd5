"""Administers accounts. A row is never deleted, since orders and items refer to it."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any
from uuid import UUID

import structlog

from app.accounts import refresh_tokens, repository
from app.accounts.permissions import Role
from app.accounts.profiles import AccountNotFoundError
from app.accounts.revocation import Access
from app.accounts.schemas import AccountView
from app.accounts.user_schemas import AccountPage, AccountQuery
from app.errors import ConflictError
from app.infra.database import Database, WriteSession

Forgetting = Callable[[WriteSession, UUID], Awaitable[None]]


class LastAdminError(ConflictError):
    code = "last_admin"


class OwnAccountError(ConflictError):
    code = "own_account"


class Administration:
    """Lists, changes and anonymises accounts. `also_forget` erases what other domains store, in one transaction."""

    def __init__(self, database: Database, access: Access, also_forget: Sequence[Forgetting] = ()) -> None:
        self._database = database
        self._access = access
        self._also_forget = also_forget

    async def page(self, query: AccountQuery) -> AccountPage:
        async with self._database.read() as session:
            rows, total = await repository.page(session, offset=query.offset, limit=query.per_page, search=query.search)
        users = [AccountView.model_validate(row) for row in rows]
        return AccountPage(users=users, page=query.page, per_page=query.per_page, total=total)

    async def change_rights(self, account_id: UUID, rights: dict[str, Any]) -> AccountView:
        """Changes `role`, `is_active` or both, and ends old tokens. Raises AccountNotFoundError and LastAdminError."""
        async with self._database.write() as session:
            if rights.get("role", Role.ADMIN) != Role.ADMIN or not rights.get("is_active", True):
                await _keep_an_admin(session, account_id)
            changed = await repository.change_rights(session, account_id, rights)
            if changed is None:
                raise AccountNotFoundError("There is no such account.")
            if not changed.is_active:
                await refresh_tokens.end_all(session, account_id)
        structlog.get_logger().info(
            "account_rights_changed", account_id=account_id, role=changed.role, is_active=changed.is_active
        )
        self._access.invalidate(account_id)
        return AccountView.model_validate(changed)

    async def delete(self, account_id: UUID, administrator: UUID) -> None:
        """Anonymises somebody else's account. Raises OwnAccountError, AccountNotFoundError and LastAdminError."""
        if account_id == administrator:
            raise OwnAccountError("This is your own account: POST /api/v1/users/me/delete, with your password.")
        await self.anonymise(account_id)

    async def anonymise(self, account_id: UUID, *, token_version: int | None = None) -> None:
        """Anonymises an account permanently; with `token_version`, only while the account is at that version.

        Raises LastAdminError; AccountNotFoundError, or ConflictError when the version has changed.
        """
        async with self._database.write() as session:
            await _keep_an_admin(session, account_id)
            if not await repository.anonymise(session, account_id, token_version):
                if token_version is not None:
                    raise ConflictError("The account was changed by another request at the same time; try again.")
                raise AccountNotFoundError("There is no such account.")
            await refresh_tokens.end_all(session, account_id)
            for forget in self._also_forget:
                await forget(session, account_id)
        structlog.get_logger().info("account_anonymised", account_id=account_id)
        self._access.invalidate(account_id)


async def _keep_an_admin(session: WriteSession, leaving: UUID) -> None:
    """Locks all administrators until the transaction ends, so that two can't leave at the same time."""
    if await repository.lock_admins(session) == [leaving]:
        raise LastAdminError("This is the last active administrator; appoint another one first.")
