"""Statements on accounts; none of them commits."""

from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple
from uuid import UUID

from sqlalchemy import Row, Select, Update, case, false, func, or_, select, update
from sqlalchemy.exc import IntegrityError

from app.accounts import refresh_tokens
from app.accounts.models import Account
from app.accounts.permissions import Role
from app.accounts.schemas import AccountView
from app.infra.database import ReadSession, WriteSession
from app.infra.database.orm import now
from app.text.folding import ESCAPE, containing, fold, folded

_VIEW: Final = tuple(getattr(Account, name) for name in AccountView.model_fields)


class Standing(NamedTuple):
    """Columns that decide whether a token is still valid for its account."""

    role: str
    is_active: bool
    token_version: int
    session_ended: bool


async def standing(session: ReadSession, account_id: UUID, session_id: UUID | None) -> Standing | None:
    """Returns None when the account does not exist or is deleted."""
    session_ended = refresh_tokens.ended(session_id) if session_id is not None else false()
    query = select(Account.role, Account.is_active, Account.token_version, session_ended)
    row = (await session.execute(query.where(Account.id == account_id, Account.deleted_at.is_(None)))).one_or_none()
    return Standing(*row) if row is not None else None


async def get(session: ReadSession, account_id: UUID) -> Account | None:
    query = select(Account).where(Account.id == account_id, Account.deleted_at.is_(None))
    return (await session.execute(query)).scalar_one_or_none()


async def by_username(session: ReadSession, username: str) -> Account | None:
    query = select(Account).where(Account.username_key == fold(username))
    return (await session.execute(query)).scalar_one_or_none()


async def is_taken(session: ReadSession, username_key: str, email_key: str) -> bool:
    """Tests whether an account has the name or the address. Another request may take them before the insert."""
    query = select(Account.id).where(or_(Account.username_key == username_key, Account.email_key == email_key))
    return (await session.execute(query.limit(1))).first() is not None


async def page(
    session: ReadSession, *, offset: int, limit: int, search: str | None
) -> tuple[Sequence[Row[*tuple[Any, ...]]], int]:
    """Returns the rows of one page, oldest first, and the number of matches."""
    rows = _matching(select(*_VIEW), search).order_by(Account.created_at, Account.id).offset(offset).limit(limit)
    count = _matching(select(func.count()).select_from(Account), search)
    return (await session.execute(rows)).all(), (await session.execute(count)).scalar_one()


async def add(session: WriteSession, account: Account) -> bool:
    """Inserts an account; returns False when the name or the address is taken."""
    try:
        async with session.begin_nested():
            session.add(account)
    except IntegrityError:
        return False
    return True


async def lock_version(session: WriteSession, account_id: UUID, token_version: int) -> bool:
    """Tests whether an active account is at a version, which then stays until the transaction ends."""
    query = (
        select(Account.id)
        .where(Account.id == account_id, Account.token_version == token_version, Account.is_active)
        .with_for_update(read=True)
    )
    return (await session.execute(query)).first() is not None


async def lock_admins(session: WriteSession) -> Sequence[UUID]:
    """Returns the active administrators, locked until the transaction ends."""
    query = select(Account.id).where(Account.role == Role.ADMIN, Account.is_active).order_by(Account.id)
    return (await session.execute(query.with_for_update())).scalars().all()


async def change_profile(
    session: WriteSession, account_id: UUID, values: Mapping[str, Any], token_version: int | None = None
) -> Row[*tuple[Any, ...]] | None:
    """Updates an account, with `token_version` only at that version, and returns it; None when there is none.

    Raises IntegrityError when another account has the address.
    """
    statement = _existing(account_id, token_version).values(values).returning(*_VIEW)
    return (await session.execute(statement)).one_or_none()


async def replace_password(session: WriteSession, account_id: UUID, old: str, new: str) -> bool:
    """Replaces a hash and ends older tokens; returns False when the old hash has changed."""
    statement = (
        _existing(account_id)
        .where(Account.password_hash == old)
        .values(password_hash=new, password_changed_at=now(), token_version=Account.token_version + 1)
        .returning(Account.id)
    )
    return (await session.execute(statement)).first() is not None


async def change_rights(
    session: WriteSession, account_id: UUID, rights: Mapping[str, Any]
) -> Row[*tuple[Any, ...]] | None:
    """Updates an account and returns it; None when there is none. A change ends older tokens."""
    changes = [getattr(Account, name) != value for name, value in rights.items()]
    version = case((or_(false(), *changes), Account.token_version + 1), else_=Account.token_version)
    statement = _existing(account_id).values({**rights, "token_version": version}).returning(*_VIEW)
    return (await session.execute(statement)).one_or_none()


async def anonymise(session: WriteSession, account_id: UUID, token_version: int | None = None) -> bool:
    """Erases the personal data of an account, with `token_version` only at that version; returns whether it did.

    Nobody can register the name and the address that the row gets.
    """
    gone = f"deleted:{account_id.hex}"
    statement = _existing(account_id, token_version).values(
        username="deleted",
        username_key=gone,
        display_name=None,
        email=gone,
        email_key=gone,
        password_hash="",  # matches no password
        role=Role.USER,
        is_active=False,
        token_version=Account.token_version + 1,
        deleted_at=now(),
    )
    return (await session.execute(statement.returning(Account.id))).first() is not None


def _existing(account_id: UUID, token_version: int | None = None) -> Update:
    statement = update(Account).where(Account.id == account_id, Account.deleted_at.is_(None))
    return statement if token_version is None else statement.where(Account.token_version == token_version)


def _matching(query: Select[*tuple[Any, ...]], search: str | None) -> Select[*tuple[Any, ...]]:
    query = query.where(Account.deleted_at.is_(None))
    if search is None:
        return query
    keys = (Account.username_key, folded(Account.display_name), Account.email_key)
    return query.where(or_(*(key.like(containing(search), escape=ESCAPE) for key in keys)))
