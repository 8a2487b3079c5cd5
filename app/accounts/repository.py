"""Queries on accounts. Takes a session, never commits."""

from typing import NamedTuple
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from app.accounts.models import Account
from app.infra.database import ReadSession, WriteSession


class Standing(NamedTuple):
    """What decides whether a token still speaks for its account."""

    role: str
    is_active: bool
    token_version: int


async def standing(session: ReadSession, account_id: UUID) -> Standing | None:
    """None when there is no such account, or not any more."""
    query = select(Account.role, Account.is_active, Account.token_version)
    row = (await session.execute(query.where(Account.id == account_id, Account.deleted_at.is_(None)))).one_or_none()
    return Standing(*row) if row is not None else None


async def by_username(session: ReadSession, username: str) -> Account | None:
    query = select(Account).where(Account.username_key == username.casefold())
    return (await session.execute(query)).scalar_one_or_none()


async def add(session: WriteSession, account: Account) -> bool:
    """Whether it could be added: False when the name or the address is taken."""
    try:
        async with session.begin_nested():
            session.add(account)
    except IntegrityError:
        return False
    return True


async def hold_version(session: WriteSession, account_id: UUID, token_version: int) -> bool:
    """Whether an active account is still at a version, which then stays until the transaction ends."""
    query = (
        select(Account.id)
        .where(Account.id == account_id, Account.token_version == token_version, Account.is_active)
        .with_for_update(read=True)
    )
    return (await session.execute(query)).first() is not None
