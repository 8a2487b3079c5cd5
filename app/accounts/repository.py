"""Queries on accounts. Takes a session, never commits."""

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from app.accounts.models import Account
from app.infra.database import ReadSession, WriteSession


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
